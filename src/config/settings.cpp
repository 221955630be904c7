#include "config/settings.hpp"

#include "config/setting_text.hpp"
#include "core/ascii.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace lovage::settings {
namespace {

constexpr setting rows[] = {
#define LOVAGE_SETTING(kind_, name, initial, bounds, old, example, text) \
  {#name, true, kind::kind_, initial, bounds, example, old, text},
#define LOVAGE_INERT(name, old, reason) {#name, false, kind::text, "", "", "", old, reason},
#include <lovage/settings.inc>
#undef LOVAGE_SETTING
#undef LOVAGE_INERT
};

constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool is_upper_of(std::string_view text, std::string_view name) noexcept {
  return std::equal(text.begin(), text.end(), name.begin(), name.end(), [](char a, char b) { return a == upper(b); });
}

bool contains_word(std::string_view words, std::string_view word) noexcept {
  while (!words.empty()) {
    auto const end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

// Insertions, deletions, replacements and swaps of neighbours that make `a` into `b`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

constexpr std::size_t longest_setting = 80;

// How far a name may be off and still be meant.
std::size_t tolerance(std::string_view wrong) { return std::max<std::size_t>(1, wrong.size() / 3); }

}  // namespace

std::span<setting const> table() noexcept { return rows; }

setting const* find(std::string_view name) noexcept {
  auto const* row = std::find_if(std::begin(rows), std::end(rows), [&](setting const& s) { return s.name == name; });
  return row == std::end(rows) ? nullptr : row;
}

setting const* find_spelling(std::string_view spelling) noexcept {
  if (auto const* row = find(spelling)) return row;
  for (auto const& row : rows)
    if (contains_word(row.old, spelling)) return &row;
  constexpr std::string_view django = "CELERY_";
  auto const bare = spelling.starts_with(django) ? spelling.substr(django.size()) : spelling;
  for (auto const& row : rows)
    if (is_upper_of(bare, row.name)) return &row;
  return nullptr;
}

std::string_view nearest(std::string_view wrong) {
  if (wrong.size() > longest_setting) return {};
  auto text = lowered(wrong);
  if (text.starts_with("celery_")) text.erase(0, 7);
  std::string_view best;
  auto least = tolerance(text) + 1;
  for (auto const& row : rows) {
    if (std::max(text.size(), row.name.size()) - std::min(text.size(), row.name.size()) >= least) continue;
    // A setting that does something is the better guess by one letter.
    auto const d = distance(text, row.name) + (row.in_effect ? 0 : 1);
    if (d < least) {
      least = d;
      best = row.name;
    }
  }
  return best;
}

std::string_view nearest_of(std::string_view wrong, std::span<std::string_view const> names) {
  if (wrong.size() > longest_setting) return {};
  auto const text = lowered(wrong);
  std::string_view best;
  auto least = tolerance(text) + 1;
  for (auto const name : names) {
    if (auto const d = distance(text, name); d < least) {
      least = d;
      best = name;
    }
  }
  return best;
}

bool is_section(std::string_view prefix) noexcept {
  return !prefix.empty() && std::any_of(std::begin(rows), std::end(rows), [&](setting const& s) {
    return s.name.size() > prefix.size() && s.name.starts_with(prefix) && s.name.find('_') == prefix.size();
  });
}

std::string nearest_section(std::string_view wrong) {
  if (wrong.size() > longest_setting) return {};
  std::string_view best;
  auto least = tolerance(wrong) + 1;
  for (auto const& row : rows) {
    auto const section = row.name.substr(0, row.name.find('_'));
    if (!is_section(section)) continue;
    if (auto const d = distance(lowered(wrong), section); d < least) {
      least = d;
      best = section;
    }
  }
  return std::string{best};
}

bool is_secret(std::string_view name) {
  static constexpr std::array<std::string_view, 7> words = {"api",  "token",     "key",     "secret",
                                                            "pass", "signature", "database"};
  auto const text = lowered(name);
  return std::any_of(words.begin(), words.end(), [&](auto word) { return text.find(word) != std::string::npos; });
}

bool is_secret_member(std::string_view name) {
  auto const text = lowered(name);
  static constexpr std::array<std::string_view, 5> plain = {"keyfile", "routing_key", "binding_key", "unacked_",
                                                            "keyprefix"};
  return is_secret(text) &&
         std::none_of(plain.begin(), plain.end(), [&](auto word) { return text.find(word) != text.npos; });
}

std::string unknown_text(std::string_view name) {
  std::string out = "unknown setting '" + std::string{name.substr(0, longest_setting)} + "'";
  if (auto const near = nearest(name); !near.empty()) return out + "; did you mean '" + std::string{near} + "'?";
  return out + "; docs/reference/settings.md lists them all";
}

std::string inert_text(setting const& row) {
  std::string out{row.name};
  out += ": known to Celery, has no effect in lovage 0.1";
  if (!row.text.empty()) out += " (" + std::string{row.text} + ")";
  return out;
}

}  // namespace lovage::settings
