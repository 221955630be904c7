#include "redis/reply.hpp"

#include <array>

namespace lovage::redis {

error_info to_error(reply const& r, std::string where) {
  struct row {
    std::string_view word;
    errc code;
  };
  static constexpr std::array<row, 13> rows{{{"OOM", errc::no_space},
                                             {"MISCONF", errc::no_space},
                                             {"NOAUTH", errc::bad_config},
                                             {"WRONGPASS", errc::bad_config},
                                             {"NOPERM", errc::bad_config},
                                             {"LOADING", errc::unavailable},
                                             {"READONLY", errc::unavailable},
                                             {"MASTERDOWN", errc::unavailable},
                                             {"CLUSTERDOWN", errc::unavailable},
                                             {"TRYAGAIN", errc::unavailable},
                                             {"NOREPLICAS", errc::unavailable},
                                             {"UNKILLABLE", errc::unavailable},
                                             {"BUSY", errc::unavailable}}};
  auto const word = std::string_view{r.text}.substr(0, r.text.find(' '));
  for (auto const& known : rows)
    if (known.word == word) return {known.code, "Redis says: " + r.text, std::move(where)};
  // The one "ERR" that passes by itself; taken for a fault in the settings, nobody would try again.
  bool const full = r.text.starts_with("ERR max number of clients");
  return {full ? errc::unavailable : errc::internal, "Redis says: " + r.text, std::move(where)};
}

void commands::begin(std::size_t words) {
  bytes_ += '*';
  bytes_ += std::to_string(words);
  bytes_ += "\r\n";
  ++count_;
}

void commands::word(std::string_view text) {
  bytes_ += '$';
  bytes_ += std::to_string(text.size());
  bytes_ += "\r\n";
  bytes_ += text;
  bytes_ += "\r\n";
}

void commands::add(std::initializer_list<std::string_view> words) {
  begin(words.size());
  for (auto const w : words) word(w);
}

void commands::add(std::vector<std::string_view> const& words) {
  begin(words.size());
  for (auto const w : words) word(w);
}

}  // namespace lovage::redis
