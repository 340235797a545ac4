#pragma once

#include <string_view>

namespace bpx::bridge {

/// The commit this program was built from, as the build was told; empty where it was not.
std::string_view revision();

}  // namespace bpx::bridge
