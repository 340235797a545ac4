#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// Symbols such as SOL_USDC.
using Symbols = std::set<std::string, std::less<>>;

/// So many symbols are believed. The exchange has a few hundred.
inline constexpr std::size_t kMaxSymbols = 10'000;

/// What `/api/v1/markets` lists: an array of objects, each with a `symbol`. nullopt for anything
/// else, for too many symbols, and for one that no stream's name could hold. Takes up to eight
/// times the memory of `body`, for a moment, and keeps no more than the symbols.
std::optional<Symbols> parse_markets(std::string_view body);

}  // namespace bpx::bridge
