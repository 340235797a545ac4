#include "tests/exchange/fault_parameters.hpp"

#include <limits>

namespace bpx::exchange {
namespace {

[[noreturn]] void refuse(const char* name, const std::string& expected) {
  throw std::invalid_argument(std::string(name) + " is to be " + expected);
}

}  // namespace

FaultParameters::FaultParameters(const nlohmann::json& object) : object_(object) {
  for (const auto& [name, value] : object_.items()) unread_.insert(name);
  unread_.erase("kind");
}

void FaultParameters::read(const char* name, std::string& value) {
  if (const nlohmann::json* given = find(name)) {
    if (!given->is_string()) refuse(name, "a string");
    value = given->get<std::string>();
  }
}

void FaultParameters::read(const char* name, bool& value) {
  if (const nlohmann::json* given = find(name)) {
    if (!given->is_boolean()) refuse(name, "true or false");
    value = given->get<bool>();
  }
}

void FaultParameters::read(const char* name, std::chrono::milliseconds& value, std::int64_t least) {
  if (const nlohmann::json* given = find(name)) {
    value = std::chrono::milliseconds(whole(name, *given, least, kLongest));
  }
}

void FaultParameters::read_rate(const char* name, double& value) {
  const nlohmann::json* given = find(name);
  if (given == nullptr) return;
  if (*given == "max") {
    value = std::numeric_limits<double>::infinity();
  } else if (given->is_number() && *given >= 0) {
    value = given->get<double>();
  } else {
    refuse(name, "a number from 0 on, or \"max\"");
  }
}

void FaultParameters::expect_none_left() const {
  if (!unread_.empty()) throw std::invalid_argument("unknown parameter: " + *unread_.begin());
}

const nlohmann::json* FaultParameters::find(const char* name) {
  unread_.erase(name);
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

std::int64_t FaultParameters::whole(const char* name, const nlohmann::json& given,
                                    std::int64_t least, std::int64_t most) {
  // Unsigned numbers beyond the range of signed ones would compare as negative.
  const bool fits = given.is_number_integer() &&
                    (!given.is_number_unsigned() ||
                     given.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max());
  if (!fits || given.get<std::int64_t>() < least || given.get<std::int64_t>() > most) {
    refuse(name, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return given.get<std::int64_t>();
}

}  // namespace bpx::exchange
