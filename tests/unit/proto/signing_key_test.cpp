#include "proto/signing_key.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <sys/resource.h>

namespace bpx::proto {
namespace {

// The key pair that the exchange's own guide prints.
constexpr std::string_view kSecret = "TDSkv44jf/iD/QCKkyCdixO+p1sfLXxk+PZH7mW/ams=";
constexpr std::string_view kVerifyingKey = "5+yQgwU0ZdJ/9s+GXfuPFfo7yQQpl9CgvQedJXne30o=";

TEST(SigningKey, DerivesTheVerifyingKeyOfTheGuide) {
  const auto key = SigningKey::from_base64(kSecret);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->verifying_key(), kVerifyingKey);
}

TEST(SigningKey, SignsAsTheExchangeExpects) {
  const auto key = SigningKey::from_base64(kSecret);
  ASSERT_TRUE(key);
  EXPECT_EQ(
      key->sign("instruction=subscribe&timestamp=1614550000000&window=5000"),
      "/ZisNiUfIIbBKRrLsdRTnZUuMA870U2RQJ+AyGLn0PC6Qb00ZYRSNZMwEItKkCdln555j4MMx1lA2iFuOKImBw==");
}

TEST(SigningKey, SignsTheSameAfterItWasMoved) {
  auto key = SigningKey::from_base64(kSecret);
  ASSERT_TRUE(key);
  const auto before = key->sign("text");
  const SigningKey moved = std::move(*key);
  EXPECT_EQ(moved.sign("text"), before);
  EXPECT_EQ(moved.verifying_key(), kVerifyingKey);
}

TEST(SigningKey, RefusesWhatIsNotBase64Of32Bytes) {
  const std::string secret(kSecret);
  for (const auto& text :
       {std::string(), std::string("secret"), secret.substr(0, 43), secret + "=", secret + "\n",
        " " + secret, std::string("TDSkv44jf_iD_QCKkyCdixO-p1sfLXxk-PZH7mW_ams="),
        secret.substr(0, 40), secret + secret}) {
    EXPECT_FALSE(SigningKey::from_base64(text)) << text.size();
    EXPECT_FALSE(is_base64_of_32_bytes(text)) << text.size();
  }
  EXPECT_TRUE(is_base64_of_32_bytes(kVerifyingKey));
}

std::size_t locked_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (std::size_t kib = 0; word == "VmLck:" && status >> kib) return kib;
  return 0;
}

/// Whether `secret`, every byte of which is given inverted, stands anywhere in this process's
/// writable memory. Leaves out what only a sanitizer maps: terabytes of shadow.
bool is_in_memory(const std::string& inverted_secret) {
  constexpr std::uint64_t kLargest = 64ULL << 20;
  std::ifstream maps("/proc/self/maps");
  std::ifstream memory("/proc/self/mem", std::ios::binary);
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t begin = 0, end = 0;
    char dash = 0;
    std::string access;
    std::istringstream(line) >> std::hex >> begin >> dash >> end >> access;
    if (!access.starts_with("rw") || end - begin > kLargest) continue;
    std::vector<char> bytes(end - begin);
    memory.clear();
    memory.seekg(static_cast<std::streamoff>(begin));
    if (!memory.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) continue;
    const auto is_inverse = [](char a, char b) { return a == static_cast<char>(~b); };
    if (std::search(bytes.begin(), bytes.end(), inverted_secret.begin(), inverted_secret.end(),
                    is_inverse) != bytes.end())
      return true;
  }
  return false;
}

TEST(SigningKey, IsLockedInMemoryWhileItLives) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers make nothing of mlock()";
#endif
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  if (limit.rlim_cur < 65'536) GTEST_SKIP() << "this process may lock no memory";
  const auto before = locked_kib();
  {
    const auto key = SigningKey::from_base64(kSecret);
    ASSERT_TRUE(key);
    EXPECT_GT(locked_kib(), before);
  }
  EXPECT_EQ(locked_kib(), before);
}

TEST(SigningKey, LeavesNothingOfTheSecretBehind) {
  // The guide's secret, decoded, each byte inverted: this test must not hold what it looks for.
  const std::string inverted =
      "\xb3\xcb\x5b\x40\x71\xdc\x80\x07\x7c\x02\xff\x75\x6c\xdf\x62\x74"
      "\xec\x41\x58\xa4\xe0\xd2\x83\x9b\x07\x09\xb8\x11\x9a\x40\x95\x94";
  ASSERT_FALSE(SigningKey::from_base64(kSecret)->sign("text").empty());
  EXPECT_FALSE(is_in_memory(inverted));
  std::string plain;
  for (const char c : inverted) plain += static_cast<char>(~c);
  EXPECT_TRUE(is_in_memory(inverted)) << "this test would not have found it";
  EXPECT_EQ(plain.size(), 32U);
}

}  // namespace
}  // namespace bpx::proto
