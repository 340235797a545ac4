#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace bpx::bridge {

/// Why there is no key, in the words of a Problem. Shows neither key nor path: somebody may have
/// put the key itself where a path belongs.
struct CurveKeyFault {
  std::string wrong;
  std::string mend;
};

/// A CURVE secret key and the public key that belongs to it, both as 40 characters of Z85. The
/// secret is wiped on destruction.
class CurveKey {
 public:
  using OrFault = std::variant<CurveKey, CurveKeyFault>;

  /// `text`: the secret key alone, or both lines that `backpack-bridge keygen` prints.
  static OrFault from_text(std::string_view text);

  /// A file with such a text. One that group or others may read or change is refused, unless it
  /// lies on a read-only mount: there Docker, Kubernetes or systemd have put it, and the mode is
  /// theirs.
  static OrFault from_file(const std::string& path);

  /// A new pair. Throws std::runtime_error where libzmq was built without CURVE.
  static CurveKey generate();

  CurveKey(CurveKey&&) noexcept = default;
  CurveKey& operator=(CurveKey&&) noexcept = default;
  CurveKey(const CurveKey&) = delete;
  CurveKey& operator=(const CurveKey&) = delete;
  ~CurveKey();

  const std::string& public_key() const { return public_key_; }
  const std::string& secret_key() const { return secret_key_; }

 private:
  CurveKey(std::string public_key, std::string secret_key)
      : public_key_(std::move(public_key)), secret_key_(std::move(secret_key)) {}

  std::string public_key_;
  std::string
      secret_key_;  ///< longer than what a string keeps within itself: moving leaves nothing
};

/// Whether `text` has the form of a key: Z85 of 32 bytes. Public and secret keys look alike.
bool is_curve_key(std::string_view text);

}  // namespace bpx::bridge
