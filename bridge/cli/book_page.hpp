#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge::cli {

/// A book for a person: the `depth` best levels of both sides, asks above bids, decimal points
/// below one another. nullopt where `payload` is no book. Ends in a line break.
std::optional<std::string> book_page(std::string_view stream, std::string_view payload,
                                     std::size_t depth);

}  // namespace bpx::bridge::cli
