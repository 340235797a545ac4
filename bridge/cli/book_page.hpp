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

/// For a person who has asked for a book and got none: why that may be. `has_answer`: it was empty.
std::string why_no_book(const std::string& stream, bool has_answer);

}  // namespace bpx::bridge::cli
