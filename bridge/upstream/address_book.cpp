#include "bridge/upstream/address_book.hpp"

#include <algorithm>

namespace bpx::bridge {
namespace {

using Address = AddressBook::Address;

/// More than any name has; what is beyond is forgotten.
constexpr std::size_t kMostBad = 64;

/// The two families in turn, beginning with that of the first.
std::vector<Address> in_turn(const std::vector<Address>& found) {
  std::vector<Address> first, second, turns;
  for (const auto& address : found) {
    auto& family = address.protocol() == found.front().protocol() ? first : second;
    if (std::ranges::find(family, address) == family.end()) family.push_back(address);
  }
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) turns.push_back(first[i]);
    if (i < second.size()) turns.push_back(second[i]);
  }
  return turns;
}

}  // namespace

std::vector<Address> AddressBook::in_order(const std::vector<Address>& found) const {
  auto addresses = in_turn(found);
  std::ranges::stable_sort(addresses, {}, [&](const Address& address) -> std::ptrdiff_t {
    if (const auto bad = std::ranges::find(bad_, address); bad != bad_.end())
      return 2 + (bad - bad_.begin());
    return address == good_ ? 0 : 1;
  });
  return addresses;
}

void AddressBook::worked(const Address& address) {
  good_ = address;
  bad_.clear();
}

void AddressBook::failed(const Address& address) {
  std::erase(bad_, address);
  bad_.push_back(address);
  if (bad_.size() > kMostBad) bad_.erase(bad_.begin());
}

}  // namespace bpx::bridge
