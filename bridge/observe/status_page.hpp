#pragma once

#include <string_view>

namespace bpx::bridge {

/// status_page.html, made a part of the program by CMake.
std::string_view status_page();

}  // namespace bpx::bridge
