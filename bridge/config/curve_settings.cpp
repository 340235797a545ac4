#include "bridge/config/curve_settings.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace bpx::bridge {
namespace {

constexpr auto kPublic = "publish.public.curve";
constexpr auto kPrivate = "publish.private.curve";

// Entries are not shown: what is no public key may be a secret that went astray.
void validate_endpoint(const std::string& path, const Config::Curve& curve, Problems& problems) {
  const auto note = [&](const std::string& key, std::string wrong, std::string mend) {
    problems.push_back({path + key, std::move(wrong), std::move(mend)});
  };
  const auto& allow = curve.allow;
  if (curve.secret_key_file.empty() && !allow.empty())
    note(".allow", "is set, but without a server key the endpoint is open to everyone",
         "set " + path + ".secret_key_file, or leave both out");
  if (!curve.secret_key_file.empty() && allow.empty())
    note(".allow", "is empty: nobody would be admitted",
         R"(list the clients' public keys, or give ["*"] for any that knows the server's)");
  for (std::size_t i = 0; i < allow.size(); ++i) {
    const auto place = ".allow[" + std::to_string(i) + ']';
    if (allow[i] == kAnyClient && allow.size() > 1)
      note(place, "admits any client, so that the keys beside it say nothing",
           R"(give ["*"] alone, or the keys alone)");
    else if (allow[i] != kAnyClient && !is_curve_key(allow[i]))
      note(place, "is not 40 characters of Z85",
           R"(give a client's public_key as `backpack-bridge keygen` prints it, or ["*"])");
  }
}

std::optional<CurveKey> load_key(const std::string& path, const Config::Curve& curve,
                                 Problems& problems) {
  if (curve.secret_key_file.empty()) return std::nullopt;
  auto result = CurveKey::from_file(curve.secret_key_file);
  if (auto* fault = std::get_if<CurveKeyFault>(&result)) {
    problems.push_back(
        {path + ".secret_key_file", std::move(fault->wrong), std::move(fault->mend)});
    return std::nullopt;
  }
  auto key = std::move(std::get<CurveKey>(result));
  const auto astray = std::ranges::find(curve.allow, key.secret_key());
  if (astray != curve.allow.end())
    problems.push_back(
        {path + ".allow[" + std::to_string(astray - curve.allow.begin()) + ']',
         "is the server's secret key",
         "give clients' public keys; the secret has been written down where it does not belong: "
         "make a new one with `backpack-bridge keygen`"});
  return key;
}

}  // namespace

void validate_curve(const Config& config, Problems& problems) {
  validate_endpoint(kPublic, config.publish.public_.curve, problems);
  validate_endpoint(kPrivate, config.publish.private_.curve, problems);
}

CurveKeys load_curve_keys(const Config& config, Problems& problems) {
  CurveKeys keys;
  keys.public_ = load_key(kPublic, config.publish.public_.curve, problems);
  keys.private_ = load_key(kPrivate, config.publish.private_.curve, problems);
  return keys;
}

}  // namespace bpx::bridge
