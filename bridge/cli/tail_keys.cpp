#include "bridge/cli/tail_keys.hpp"

#include <iostream>
#include <utility>
#include <variant>

namespace bpx::bridge::cli {

std::optional<TailKeys> load_tail_keys(const TailFlags& flags, Problems& problems) {
  if (!flags.curve_server_key) return std::nullopt;
  if (!is_curve_key(*flags.curve_server_key))
    problems.push_back({"--curve-server-key", "is not 40 characters of Z85",
                        "give the server_key that the bridge logs when it starts, in quotes"});
  auto own = flags.curve_secret_key_file ? CurveKey::from_file(*flags.curve_secret_key_file)
                                         : CurveKey::OrFault(CurveKey::generate());
  if (auto* fault = std::get_if<CurveKeyFault>(&own)) {
    problems.push_back(
        {"--curve-secret-key-file", std::move(fault->wrong), std::move(fault->mend)});
    return std::nullopt;
  }
  return TailKeys{*flags.curve_server_key, std::move(std::get<CurveKey>(own))};
}

bool report(const Problems& problems) {
  for (const auto& [option, wrong, mend] : problems)
    std::cerr << "backpack-bridge: " << option << ' ' << wrong << "; " << mend << '\n';
  return !problems.empty();
}

}  // namespace bpx::bridge::cli
