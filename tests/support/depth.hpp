#pragma once

#include "proto/depth_update.hpp"

#include <cstdint>
#include <initializer_list>

namespace bpx::test {

using Levels = std::initializer_list<proto::PriceLevel>;

inline proto::DepthUpdate depth_update(std::uint64_t first, std::uint64_t last, Levels asks = {},
                                       Levels bids = {}) {
  return {.first_update_id = first, .last_update_id = last, .asks = asks, .bids = bids};
}

inline proto::DepthSnapshot depth_snapshot(std::uint64_t last, Levels asks = {}, Levels bids = {}) {
  return {.last_update_id = last, .asks = asks, .bids = bids};
}

}  // namespace bpx::test
