#include "redis/reply.hpp"

#include <array>

namespace lovage::redis {

// Redis 6: "ERR Error running script (call to f_<hash>): @user_script:7: @user_script: 7: -OOM command not allowed ..."
// Redis 7: "OOM command not allowed ... script: <hash>, on @user_script:7."
std::string_view complaint(reply const& r) {
  static constexpr std::string_view in_script = "ERR Error running script", answer = ": -",
                                    place = ", on @user_script:";
  std::string_view out = r.text;
  if (out.starts_with(in_script))
    if (auto const at = out.find(answer); at != std::string_view::npos) out.remove_prefix(at + answer.size());
  if (out.find(place) != std::string_view::npos) out = out.substr(0, out.rfind(" script: "));
  while (out.ends_with(' ')) out.remove_suffix(1);
  return out;
}

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
  auto const text = complaint(r);
  auto const said = "Redis says: " + std::string{text};
  auto const word = text.substr(0, text.find(' '));
  for (auto const& known : rows)
    if (known.word == word) return {known.code, said, std::move(where)};
  // The one "ERR" that passes by itself; taken for a fault in the settings, nobody would try again.
  bool const full = text.starts_with("ERR max number of clients");
  return {full ? errc::unavailable : errc::internal, said, std::move(where)};
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
