#pragma once

#include <string>
#include <string_view>

namespace bpx::bridge {

/// The Content-Security-Policy of what is no page to look at: nothing of it is to be run or shown.
inline constexpr std::string_view kNothingAllowed =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// That of an HTML page which brings its style and script with it and asks only the server that it
/// came from: it names both by their SHA-256, so that a browser runs them and nothing that has got
/// in besides. Attributes with style or script in them are not allowed, nor more than one element
/// of either.
std::string policy_of(std::string_view html);

}  // namespace bpx::bridge
