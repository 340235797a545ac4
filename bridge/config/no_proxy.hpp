#pragma once

#include <string_view>

namespace bpx::bridge {

/// Whether NO_PROXY names `host`, a name or an address (IPv6 without brackets). As curl reads it: a
/// list with commas or blanks between; `example.com` and `.example.com` name that host and all
/// below it; addresses are compared as such, also with a prefix length, as in `10.0.0.0/8`; a
/// single
/// `*` names all. Ports are not known.
bool is_exempt(std::string_view host, std::string_view no_proxy);

}  // namespace bpx::bridge
