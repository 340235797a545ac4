#pragma once

#include "bridge/config/problem.hpp"
#include "bridge/readable_file.hpp"

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// Variables from a file, such as the `.env` of the exchange's guide: `KEY=VALUE` lines, the value
/// optionally in single or double quotation marks, `export` before it tolerated; comments begin
/// with # at a line's beginning or behind a blank. Nothing is expanded. Of a name that stands twice
/// the later value holds. Wipes the values on destruction, for they may be keys.
class EnvFile {
 public:
  struct Variable {
    std::string name;
    std::string value;
  };

  EnvFile() = default;

  /// Appends what is wrong to `problems`, which name lines and show nothing of them.
  static EnvFile read(const std::filesystem::path& path, ReadableFile::Kind kind,
                      Problems& problems);

  EnvFile(EnvFile&& other) noexcept = default;
  EnvFile& operator=(EnvFile&& other) noexcept;
  EnvFile(const EnvFile&) = delete;
  EnvFile& operator=(const EnvFile&) = delete;
  ~EnvFile();

  const std::vector<Variable>& variables() const { return variables_; }

 private:
  void set(std::string_view name, std::string_view value);

  std::vector<Variable> variables_;
  std::map<std::string, std::size_t, std::less<>> places_;  ///< of names, in that
};

}  // namespace bpx::bridge
