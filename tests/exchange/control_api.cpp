#include "tests/exchange/control_api.hpp"

#include "tests/exchange/venue.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <map>
#include <stdexcept>
#include <string>

namespace bpx::exchange {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMostLines = 100'000;

HttpAnswer refusal(unsigned status, const std::string& what) {
  const json body{{"error", what}};
  return {.status = status, .body = body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

HttpAnswer done() { return {.body = R"({"ok":true})"}; }

std::uint64_t number_in(const HttpRequest& request, const std::string& name,
                        std::uint64_t otherwise) {
  const std::string text = query_value(request.query, name);
  if (text.empty()) return otherwise;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::invalid_argument(name + " is to be a whole number");
  }
  return number;
}

Frame frame_in(const HttpRequest& request) {
  if (!request.query.empty()) {
    return {.stream = query_value(request.query, "stream"), .data = request.body};
  }
  const json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) throw std::invalid_argument("the body is to be a JSON object");
  const auto text = [&body](const char* name) {
    const auto value = body.find(name);
    if (value == body.end() || !value->is_string()) {
      throw std::invalid_argument(std::string(name) + " is to be a string");
    }
    return value->get<std::string>();
  };
  return {.stream = text("stream"), .data = text("data")};
}

HttpAnswer inflict(Venue& venue, const Ledger&, const HttpRequest& request) {
  venue.apply(parse_fault(request.body));
  return done();
}

HttpAnswer publish(Venue& venue, const Ledger&, const HttpRequest& request) {
  const Frame frame = frame_in(request);
  if (frame.stream.empty()) throw std::invalid_argument("stream is missing");
  if (!json::accept(frame.data)) throw std::invalid_argument("data is to be JSON text");
  venue.publish(frame);
  return done();
}

HttpAnswer state(Venue& venue, const Ledger&, const HttpRequest&) {
  return {.body = venue.state_json()};
}

HttpAnswer log(Venue&, const Ledger& ledger, const HttpRequest& request) {
  return {.content_type = "application/x-ndjson",
          .body = ledger.sent_lines(number_in(request, "since", 0),
                                    number_in(request, "limit", kMostLines))};
}

struct Route {
  const char* method;
  HttpAnswer (*answer)(Venue&, const Ledger&, const HttpRequest&);
};

}  // namespace

HttpAnswer answer_control(Venue& venue, const Ledger& ledger, const HttpRequest& request) {
  static const std::map<std::string, Route> routes{{"/fault", {"POST", inflict}},
                                                   {"/publish", {"POST", publish}},
                                                   {"/state", {"GET", state}},
                                                   {"/log", {"GET", log}}};
  const auto route = routes.find(request.path);
  if (route == routes.end()) return refusal(404, "there is nothing at " + request.path);
  if (request.method != route->second.method) {
    auto answer = refusal(405, request.path + " takes " + route->second.method);
    answer.allow = route->second.method;
    return answer;
  }
  try {
    return route->second.answer(venue, ledger, request);
  } catch (const std::invalid_argument& wrong) {
    return refusal(400, wrong.what());
  }
}

}  // namespace bpx::exchange
