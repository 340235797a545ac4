#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

namespace bpx::exchange {

/// The parameters of one fault, as JSON. Each `read` leaves its value alone where the parameter is
/// absent, and throws std::invalid_argument, saying what it is to be, where it is wrong. What has
/// never been read was misspelt.
class FaultParameters {
 public:
  /// A year, in milliseconds: what durations and shifts may be at most.
  static constexpr std::int64_t kLongest = std::int64_t{365} * 24 * 3600 * 1000;

  /// `object` outlives this; its member `kind` is no parameter.
  explicit FaultParameters(const nlohmann::json& object);

  void read(const char* name, std::string& value);
  void read(const char* name, bool& value);
  void read(const char* name, std::chrono::milliseconds& value, std::int64_t least = 0);
  /// Events a second: a number from 0 on, or "max" for infinity.
  void read_rate(const char* name, double& value);

  template <class Integer>
  void read_whole(const char* name, Integer& value, std::int64_t least, std::int64_t most) {
    if (const nlohmann::json* given = find(name)) {
      value = static_cast<Integer>(whole(name, *given, least, most));
    }
  }

  template <class Choice>
  void read_choice(const char* name, Choice& value, const std::map<std::string, Choice>& choices) {
    const nlohmann::json* given = find(name);
    if (given == nullptr) return;
    std::string known;
    for (const auto& [word, meaning] : choices) {
      if (*given == word) {
        value = meaning;
        return;
      }
      known += (known.empty() ? "" : ", ") + word;
    }
    throw std::invalid_argument(std::string(name) + " is to be one of: " + known);
  }

  void expect_none_left() const;

 private:
  /// Null where it is absent.
  const nlohmann::json* find(const char* name);
  static std::int64_t whole(const char* name, const nlohmann::json& given, std::int64_t least,
                            std::int64_t most);

  const nlohmann::json& object_;
  std::set<std::string> unread_;
};

}  // namespace bpx::exchange
