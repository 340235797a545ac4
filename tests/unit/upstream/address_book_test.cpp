#include "bridge/upstream/address_book.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using Address = AddressBook::Address;

Address address(const char* text) { return {boost::asio::ip::make_address(text), 443}; }

const auto kA = address("192.0.2.1"), kB = address("192.0.2.2"), kC = address("192.0.2.3");
const auto k6 = address("2001:db8::1"), k7 = address("2001:db8::2");

using Addresses = std::vector<Address>;

TEST(AddressBook, TakesTheTwoFamiliesInTurnBeginningWithTheFirst) {
  const AddressBook book;
  EXPECT_EQ(book.in_order({k6, k7, kA, kB, kC}), (Addresses{k6, kA, k7, kB, kC}));
  EXPECT_EQ(book.in_order({kA, kB, k6}), (Addresses{kA, k6, kB}));
  EXPECT_EQ(book.in_order({}), Addresses{});
}

TEST(AddressBook, TakesEachAddressOnce) {
  EXPECT_EQ(AddressBook().in_order({kA, kA, k6, kA}), (Addresses{kA, k6}));
}

TEST(AddressBook, BeginsWithTheOneThatWorkedLast) {
  AddressBook book;
  book.worked(kB);
  book.worked(kC);
  EXPECT_EQ(book.in_order({kA, kB, kC}), (Addresses{kC, kA, kB}));
  EXPECT_EQ(book.in_order({kA, kB}), (Addresses{kA, kB})) << "the name has it no more";
}

TEST(AddressBook, GoesRoundThoseThatFail) {
  AddressBook book;
  for (const auto& next : {kA, kB, kC, kA, kB}) {
    EXPECT_EQ(book.in_order({kA, kB, kC}).front(), next);
    book.failed(next);
  }
}

TEST(AddressBook, TakesOneThatFailedLastThoughItWorkedBefore) {
  AddressBook book;
  book.worked(kA);
  book.failed(kA);
  EXPECT_EQ(book.in_order({kA, kB}), (Addresses{kB, kA}));
  book.worked(kB);
  EXPECT_EQ(book.in_order({kA, kB, kC}), (Addresses{kB, kA, kC})) << "what was bad is forgotten";
}

}  // namespace
}  // namespace bpx::bridge
