#include "tests/exchange/wallet.hpp"

namespace bpx::exchange {

namespace {

constexpr Balance kOpeningBalance{100'000'000'000'000'000, 0};

}  // namespace

bool Wallet::lock(const std::string& asset, Amount amount) {
  Balance& balance = entry(asset);
  if (balance.available < amount) return false;
  balance.available -= amount;
  balance.locked += amount;
  return true;
}

void Wallet::unlock(const std::string& asset, Amount amount) {
  Balance& balance = entry(asset);
  balance.available += amount;
  balance.locked -= amount;
}

void Wallet::spend_locked(const std::string& asset, Amount amount) {
  entry(asset).locked -= amount;
}

void Wallet::credit(const std::string& asset, Amount amount) { entry(asset).available += amount; }

Balance& Wallet::entry(const std::string& asset) {
  return balances_.try_emplace(asset, kOpeningBalance).first->second;
}

}  // namespace bpx::exchange
