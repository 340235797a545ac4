#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge::cli {

/// `text` with everything in it replaced that looks like a key: one of the exchange's (base64 of 32
/// bytes, with its padding or cut off before it, the same for URLs, or hexadecimal), one for CURVE
/// (Z85), or a seed for NATS. A key that was put into the wrong variable must not come out in an
/// error. In Z85 public and secret keys look alike: those of `public_keys` stay.
std::string without_keys(std::string_view text, const std::vector<std::string>& public_keys = {});

/// Overwrites the values of the secret key's variables in `environment`, NAME=value texts as of
/// `environ`, where /proc/PID/environ would show them for as long as the process lives.
void forget_secrets(char** environment);

}  // namespace bpx::bridge::cli
