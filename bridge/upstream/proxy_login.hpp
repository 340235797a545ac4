#pragma once

#include <string>

namespace bpx::bridge {

/// What stands for `credentials`, `USER:PASSWORD`, in a request's Proxy-Authorization behind
/// `Basic` (RFC 7617).
std::string basic_login(const std::string& credentials);

/// `text` with `***` for the user, for the password and for what stands for both, also where its
/// end has cut them off. What somebody echoes can be shown so.
std::string without_login(std::string text, const std::string& credentials);

}  // namespace bpx::bridge
