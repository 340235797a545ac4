#include "bridge/config/load.hpp"

#include "bridge/config/proxy.hpp"
#include "bridge/config/schema.hpp"
#include "bridge/config/trimmed.hpp"
#include "bridge/one_line.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <functional>
#include <set>

namespace bpx::bridge {
namespace {

using Json = nlohmann::json;  // in whose objects a key is found in no time, however many there are
using OrderedJson = nlohmann::ordered_json;

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>  // which clang 14 does not deduce by itself
Overloaded(Ts...)->Overloaded<Ts...>;

std::string number_mend(const ConfigKey& key) {
  return "give a whole number from " + std::to_string(key.min) + " to " + std::to_string(key.max);
}

/// Stores values in a Config and notes what cannot be stored.
class Assignment {
 public:
  Assignment(Config& config, Problems& problems) : keys_(keys_of(config)), problems_(problems) {}

  const ConfigKey* find(std::string_view path) const {
    const auto key = std::ranges::find(keys_, path, &ConfigKey::path);
    return key == keys_.end() ? nullptr : &*key;
  }

  const ConfigKey* find_by_environment_name(std::string_view name) const {
    const auto key = std::ranges::find(keys_, name, &ConfigKey::environment_name);
    return key == keys_.end() ? nullptr : &*key;
  }

  bool is_section(std::string_view path) const {
    const auto prefix = std::string(path) + '.';
    return std::ranges::any_of(keys_,
                               [&](const auto& key) { return key.path.starts_with(prefix); });
  }

  void assign(const ConfigKey& key, const Json& json) {
    std::visit(Overloaded{
                   [&](std::string* value) {
                     if (!json.is_string()) return refuse(key, "is not a text", "quote the value");
                     if (holds_nul(json)) return refuse_nul(key);
                     *value = json.get<std::string>();
                   },
                   [&](bool* value) {
                     if (!json.is_boolean())
                       return refuse(key, "is neither true nor false", "give true or false");
                     *value = json.get<bool>();
                   },
                   [&](std::uint64_t* value) {
                     if (!json.is_number_unsigned())
                       return refuse(key, "is not a whole number", number_mend(key));
                     assign_number(key, *value, json.get<std::uint64_t>());
                   },
                   [&](std::vector<std::string>* value) {
                     const bool is_list =
                         json.is_array() && std::ranges::all_of(json, &Json::is_string);
                     if (!is_list)
                       return refuse(key, "is not a list of texts",
                                     R"(give a list such as ["first", "second"])");
                     if (std::ranges::any_of(json, holds_nul)) return refuse_nul(key);
                     *value = json.get<std::vector<std::string>>();
                   },
               },
               key.value);
  }

  /// `source`: where the text was given, a variable or a flag.
  void assign_text(const ConfigKey& key, std::string_view text, const std::string& source) {
    const auto refuse_text = [&](const std::string& wrong, const std::string& mend) {
      refuse(key, wrong, mend + " in " + source);
    };
    if (keeps_quotes(text)) {
      refuse_text("keeps its quotation marks", "write the value without them");
      text = without_quotes(text);  // what it was meant to be has no further fault for that
    }
    std::visit(Overloaded{
                   [&](std::string* value) { *value = text; },
                   [&](bool* value) {
                     if (text != "true" && text != "false")
                       return refuse_text("is neither true nor false", "give true or false");
                     *value = text == "true";
                   },
                   [&](std::uint64_t* value) {
                     std::uint64_t number = 0;
                     const auto end = text.data() + text.size();
                     const auto [rest, error] = std::from_chars(text.data(), end, number);
                     if (error != std::errc{} || rest != end)
                       return refuse_text("is not a whole number", number_mend(key));
                     assign_number(key, *value, number);
                   },
                   [&](std::vector<std::string>* value) { *value = split(text); },
               },
               key.value);
  }

  std::size_t problems() const { return problems_.size(); }

  void note(std::string path, std::string wrong, std::string mend) {
    problems_.push_back({std::move(path), std::move(wrong), std::move(mend)});
  }

 private:
  static std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
      const auto comma = std::min(text.find(','), text.size());
      if (comma > 0) parts.emplace_back(text.substr(0, comma));
      text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return parts;
  }

  static bool holds_nul(const Json& text) {
    return text.get_ref<const std::string&>().find('\0') != std::string::npos;
  }

  /// To the system a text ends there, whatever stands behind it.
  void refuse_nul(const ConfigKey& key) { refuse(key, "holds a NUL", "leave \\u0000 out"); }

  void assign_number(const ConfigKey& key, std::uint64_t& value, std::uint64_t number) {
    if (number < key.min || number > key.max)
      return refuse(key, std::to_string(number) + " is out of range", number_mend(key));
    value = number;
  }

  void refuse(const ConfigKey& key, std::string wrong, std::string mend) {
    note(std::string(key.path), std::move(wrong), std::move(mend));
  }

  std::vector<ConfigKey> keys_;
  Problems& problems_;
};

/// Comparing takes its time: who has that many keys wrong is helped by the first ones.
constexpr std::size_t kMostSuggestions = 50;

std::string unknown_mend(std::string_view path, std::size_t problems) {
  const auto nearest = problems < kMostSuggestions ? nearest_path(path) : std::nullopt;
  return nearest ? "did you mean `" + std::string(*nearest) + "`?"
                 : "remove it, or see README for the keys there are";
}

void assign_members(Assignment& assignment, const Json& object, const std::string& prefix) {
  for (const auto& [name, value] : object.items()) {
    const auto path = prefix + one_line(name);
    // Else a key could be set twice, once so and once so, and one of the two would be lost.
    if (name.find('.') != std::string::npos) {
      assignment.note(path, "has a dot in its name",
                      R"(write it as nested objects, as in {"log": {"level": "info"}})");
    } else if (const auto* key = assignment.find(path)) {
      assignment.assign(*key, value);
    } else if (!assignment.is_section(path)) {
      assignment.note(path, "is not a key of the configuration",
                      unknown_mend(path, assignment.problems()));
    } else if (!value.is_object()) {
      assignment.note(path, "is a group of keys, not a value", "give an object {…}");
    } else {
      assign_members(assignment, value, path + '.');
    }
  }
}

/// Parses JSON and notes a key that stands twice in one group of keys: which of the two was meant
/// is anybody's guess. Whatever stands within another value is at fault anyway, and may be as deep
/// and as long as it likes.
Json parse_strictly(const std::string& text, Assignment& assignment) {
  struct Object {
    bool is_section = false;
    std::string prefix;  ///< of the paths of its keys, where it is one
    std::set<std::string> names;
    std::optional<std::string> section = std::nullopt;  ///< that the last key is the name of
  };
  std::vector<Object> open;
  return Json::parse(text, [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) {
      const bool is_section = open.empty() || open.back().section;
      open.push_back({.is_section = is_section,
                      .prefix = open.empty() || !is_section ? "" : *open.back().section + '.',
                      .names = {}});
    } else if (event == Json::parse_event_t::object_end) {
      open.pop_back();
    } else if (event == Json::parse_event_t::key && open.back().is_section) {
      auto& object = open.back();
      const auto& name = value.get_ref<const std::string&>();
      auto path = object.prefix + one_line(name);
      if (!object.names.insert(name).second)
        assignment.note(path, "stands twice in one object of the file", "remove one of the two");
      object.section = assignment.is_section(path) ? std::optional(std::move(path)) : std::nullopt;
    }
    return true;
  });
}

/// Room for far more streams and clients' keys than anybody lists.
constexpr std::size_t kMaxFileBytes = std::size_t{4} << 20U;

void load_file(const std::filesystem::path& path, ReadableFile::Kind kind, Assignment& assignment) {
  ReadableFile file(path == "-" ? std::string(ReadableFile::kStandardInput) : path.string(), kind);
  std::string text;
  if (!file.is_open() || !file.read_into(text, kMaxFileBytes + 1))
    return assignment.note(one_line(path.string()), std::string(file.fault()),
                           "give --config a file that this user can read");
  if (text.empty())
    return assignment.note(one_line(path.string()), "is empty", "write a JSON object there: {}");
  if (text.size() > kMaxFileBytes) {
    assignment.note(one_line(path.string()), "holds more than 4 MiB",
                    "check that it is the bridge's configuration");
    return;
  }
  // To the parser it is the end, whatever stands behind it.
  if (const auto nul = text.find('\0'); nul != std::string::npos) {
    assignment.note(one_line(path.string()), "holds a NUL, see byte " + std::to_string(nul + 1),
                    "save it as UTF-8 text");
    return;
  }
  try {
    const auto json = parse_strictly(text, assignment);
    if (json.is_object())
      assign_members(assignment, json, "");
    else
      assignment.note(one_line(path.string()), "is not a JSON object",
                      "begin it with { and end it with }");
  } catch (const Json::parse_error& error) {
    assignment.note(one_line(path.string()), "is not JSON, see byte " + std::to_string(error.byte),
                    "mend the syntax there");
  } catch (const Json::exception& error) {
    assignment.note(one_line(path.string()),
                    "holds a value that cannot be read: " + one_line(error.what()), "mend it");
  }
}

constexpr std::string_view kPrefix = "BRIDGE_";

bool is_ours(std::string_view name) { return name.find("__") != std::string_view::npos; }

void load_environment(const Environment& environment, Assignment& assignment) {
  for (const auto& [name, value] : environment.with_prefix(kPrefix)) {
    if (!is_ours(name)) continue;
    if (const auto* key = assignment.find_by_environment_name(name))
      assignment.assign_text(*key, value, one_line(name));
    else
      assignment.note(one_line(name), "is not a variable that the bridge knows",
                      "unset it; names are BRIDGE_ and the key's path in capitals with __ between "
                      "levels, such as BRIDGE_UPSTREAM__STREAMS");
  }
}

void load_flags(const ConfigSources& sources, Config& config, Assignment& assignment) {
  std::vector<std::string> streams;
  for (const auto& text : sources.streams) {
    if (text.empty()) continue;
    assignment.assign_text(*assignment.find("upstream.streams"), text, "--stream");
    streams.insert(streams.end(), config.upstream.streams.begin(), config.upstream.streams.end());
  }
  if (!streams.empty()) config.upstream.streams = std::move(streams);
  if (sources.log_level && !sources.log_level->empty())
    assignment.assign_text(*assignment.find("log.level"), *sources.log_level, "--log-level");
}

OrderedJson& member(OrderedJson& object, std::string_view path) {
  const auto dot = path.find('.');
  auto& value = object[std::string(path.substr(0, dot))];
  return dot == std::string_view::npos ? value : member(value, path.substr(dot + 1));
}

}  // namespace

Config load_config(const ConfigSources& sources, Problems& problems) {
  Config config;
  Assignment assignment(config, problems);
  if (sources.file) load_file(*sources.file, sources.file_kind, assignment);
  load_environment(sources.environment, assignment);
  load_flags(sources, config, assignment);
  return config;
}

std::string foreign_variables(const Environment& environment) {
  std::string names;
  for (const auto& variable : environment.with_prefix(kPrefix))
    if (!is_ours(variable.first))
      names.append(names.empty() ? "" : ", ").append(one_line(variable.first));
  return names;
}

std::string to_json(const Config& config,
                    const std::function<std::string(const std::string&)>& shown) {
  auto copy = config;
  copy.upstream.proxy = without_credentials(copy.upstream.proxy);
  const auto show = [&](std::string& text) {
    if (shown) text = shown(text);
  };
  OrderedJson json;
  for (const auto& key : keys_of(copy)) {
    if (auto* const* text = std::get_if<std::string*>(&key.value)) show(**text);
    if (auto* const* texts = std::get_if<std::vector<std::string>*>(&key.value))
      std::ranges::for_each(**texts, show);
    std::visit([&](const auto* value) { member(json, key.path) = *value; }, key.value);
  }
  return json.dump(2, ' ', true, OrderedJson::error_handler_t::replace);
}

}  // namespace bpx::bridge
