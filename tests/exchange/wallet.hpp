#pragma once

#include "tests/exchange/instrument.hpp"

#include <map>
#include <string>

namespace bpx::exchange {

struct Balance {
  Amount available = 0;
  Amount locked = 0;  ///< behind open orders
};

/// What the account owns. Every asset opens with a billion, so that days at full speed
/// do not exhaust it.
class Wallet {
 public:
  const Balance& balance(const std::string& asset) { return entry(asset); }

  /// Puts `amount` behind an order; false, and nothing done, where not so much is available.
  bool lock(const std::string& asset, Amount amount);
  void unlock(const std::string& asset, Amount amount);
  /// Pays with what was locked.
  void spend_locked(const std::string& asset, Amount amount);
  /// Adds to what is available; a negative amount pays.
  void credit(const std::string& asset, Amount amount);

 private:
  Balance& entry(const std::string& asset);

  std::map<std::string, Balance> balances_;
};

}  // namespace bpx::exchange
