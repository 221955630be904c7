#include "cli/top_view.hpp"

#include "cli/text_width.hpp"
#include "cli/top_tables.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace lovage::cli {
namespace {

constexpr std::size_t most_rows = 50;  // of a table, where the height does not bound it
constexpr std::size_t most_column = 44, gap = 2;

using lines_of_text = std::vector<std::string>;

struct page {
  top_view::look how;
  lines_of_text lines;

  void add(std::string_view text, std::string_view color = {}) {
    auto line = fitted(text, how.width);
    if (how.color && !color.empty()) line = fmt::format("\x1b[{}m{}\x1b[0m", color, line);
    lines.push_back(std::move(line));
  }
};

std::vector<std::size_t> widths_of(top_table const& t, std::size_t from, std::size_t count, std::size_t width) {
  std::vector<std::size_t> out;
  for (auto const& h : t.head) out.push_back(text_width(h));
  for (std::size_t r = from; r < from + count; ++r)
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = std::max(out[i], std::min(text_width(t.rows[r].cells[i]), most_column));
  auto const all = [&] { return std::accumulate(out.begin(), out.end(), gap * (out.size() - 1)); };
  auto const used = all() - out[t.wide];
  out[t.wide] = std::max<std::size_t>(used < width ? width - used : 0, std::min<std::size_t>(out[t.wide], 16));
  // What does not fit leaves from the right, the wide column last.
  for (std::size_t i = out.size(); i-- > 0 && all() > width;)
    if (i != t.wide) out[i] -= std::min(out[i], all() - width);
  return out;
}

std::string row_text(std::vector<std::string> const& cells, std::string const& align,
                     std::vector<std::size_t> const& widths) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (widths[i] > 0) out += (out.empty() ? "" : std::string(gap, ' ')) + fitted(cells[i], widths[i], align[i]);
  return out;
}

std::string title_of(top_table const& t, std::size_t first, std::size_t shown) {
  auto const n = t.rows.size();
  return shown == n ? fmt::format("{} ({})", t.head[0], n)
                    : fmt::format("{} {}-{}/{}", t.head[0], std::min(first + 1, n), first + shown, n);
}

void add_table(page& to, top_table t, std::size_t first, std::size_t shown, bool focused) {
  auto const rows = t.rows.size();
  auto const count = std::min(shown, rows - first);
  t.head[0] = title_of(t, first, count) + (focused && rows > 1 ? ", by " + t.order : "");
  auto const widths = widths_of(t, first, count, to.how.width);
  to.add(row_text(t.head, t.align, widths), focused ? "7" : "1;4");
  for (std::size_t r = first; r < first + count; ++r)
    to.add(row_text(t.rows[r].cells, t.align, widths), t.rows[r].color);
  if (rows == 0 && shown > 0) to.add("  none");
}

std::string percentiles_text(monitor::percentiles const& p) {
  return fmt::format("p50 {:<5} p95 {:<5} p99 {:<5}", short_time(p.p50), short_time(p.p95), short_time(p.p99));
}

std::string bars_of(std::vector<double> const& values, std::size_t width, double most) {
  constexpr std::array bars{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string out;
  for (auto i = values.size() - std::min(values.size(), width); i < values.size(); ++i)
    out += bars[values[i] <= 0 ? 0 : 1 + static_cast<std::size_t>(std::min(7.0, values[i] / most * 7))];
  return out;
}

// What matters stands in the first 80 columns.
void add_head(page& to, top_picture const& p, bool paused) {
  auto const now = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(p.now));
  auto const online = std::count_if(p.workers.begin(), p.workers.end(),
                                    [](auto const& w) { return w.state == monitor::worker_state::online; });
  to.add(fmt::format("lovage top  {:%H:%M:%S}{}  workers {} of {}  running {}  {}", fmt::localtime(now),
                     paused ? "  PAUSED" : "", online, p.workers.size(), p.running.size(), p.broker),
         paused ? "33;1" : "1");
  to.add(fmt::format("per second  received {:<7.1f} succeeded {:<7.1f} failed {:<13.1f} retried {:.1f}",
                     p.rate.received, p.rate.succeeded, p.rate.failed, p.rate.retried));
  auto const ended = p.total.succeeded + p.total.failed;
  auto const part = ended == 0 ? 0.0 : 100.0 * static_cast<double>(p.total.failed) / static_cast<double>(ended);
  to.add(fmt::format("15 minutes  received {:<7} succeeded {:<7} failed {:<13} retried {}", p.total.received,
                     p.total.succeeded, fmt::format("{} ({:.1f} %)", p.total.failed, part), p.total.retried),
         p.total.failed > 0 ? "31" : "");
  to.add(fmt::format("run         {} wait {}", percentiles_text(p.run), percentiles_text(p.wait)));
  auto const most = p.ended.empty() ? 0.0 : *std::max_element(p.ended.begin(), p.ended.end());
  if (to.how.unicode && most > 0 && to.how.width > 40)
    to.add(fmt::format("ended       {} {:.0f}/s at most", bars_of(p.ended, to.how.width - 28, most), most), "36");
  if (!p.fault.empty()) to.add(p.fault, "31;1");
}

// Room for rows, given out evenly; what one table does not need the others have.
std::array<std::size_t, top_view::sections> shares(std::array<std::size_t, top_view::sections> const& wanted,
                                                   std::size_t room) {
  std::array<std::size_t, top_view::sections> out{};
  for (bool gave = true; gave && room > 0;) {
    gave = false;
    for (std::size_t i = 0; i < out.size() && room > 0; ++i)
      if (out[i] < wanted[i]) ++out[i], --room, gave = true;
  }
  return out;
}

constexpr std::array help_text{
    "q, ctrl-C     end",
    "p, space      pause: the picture stays, counting goes on",
    "left, right   choose a table (tab, too)",
    "up, down      scroll it; page up, page down, home, end",
    "s             sort it by something else",
    "?             this help, and back",
    "",
    "Per second: over the last minute. Run and wait (from received to started): over the last five minutes.",
    "Tasks are told of by workers that run with -E (setting worker_send_task_events).",
};

}  // namespace

void top_view::press(top_key k) {
  auto& first = first_[focus_];
  auto const rows = rows_[focus_], shown = std::max<std::size_t>(1, shown_[focus_]);
  switch (k) {
    case top_key::none: break;
    case top_key::quit: quits_ = true; break;
    case top_key::pause: paused_ = !paused_; break;
    case top_key::help: help_ = !help_; break;
    case top_key::sort: ++order_[focus_], first = 0; break;
    case top_key::next: focus_ = (focus_ + 1) % sections; break;
    case top_key::previous: focus_ = (focus_ + sections - 1) % sections; break;
    case top_key::up: first -= std::min<std::size_t>(first, 1); break;
    case top_key::down: ++first; break;
    case top_key::page_up: first -= std::min(first, shown); break;
    case top_key::page_down: first += shown; break;
    case top_key::home: first = 0; break;
    case top_key::end: first = rows; break;
  }
  first = std::min(first, rows - std::min(rows, shown));
}

std::vector<std::string> top_view::lines(top_picture const& p, look how) {
  page out{how, {}};
  bool const whole = how.height == 0;
  add_head(out, p, paused_);
  if (help_) {
    out.add("");
    for (auto const* line : help_text) out.add(line);
  } else {
    std::array const tables{worker_table(p, order_[0]), queue_table(p, order_[1]), running_table(p, order_[2]),
                            failure_table(p, order_[3])};
    auto const used = out.lines.size() + 1;  // the line of keys
    bool const all_fit = whole || how.height >= used + 2 * sections;
    std::array<std::size_t, sections> wanted{};
    for (std::size_t i = 0; i < sections; ++i)
      if (all_fit || i == focus_) wanted[i] = std::max<std::size_t>(1, tables[i].rows.size());
    auto const heads = all_fit ? sections : 1;
    auto const room = whole ? sections * most_rows : how.height - std::min(how.height, used + heads);
    shown_ = shares(wanted, room);
    for (std::size_t i = 0; i < sections; ++i) {
      rows_[i] = tables[i].rows.size();
      first_[i] = std::min(first_[i], rows_[i] - std::min(rows_[i], shown_[i]));
      if (all_fit || i == focus_) add_table(out, tables[i], first_[i], shown_[i], i == focus_ && !whole);
    }
  }
  if (whole) return std::move(out.lines);
  while (out.lines.size() + 1 < how.height) out.add("");
  out.lines.resize(how.height > 0 ? how.height - 1 : 0);
  out.add("q quit  p pause  s sort  arrows choose and scroll  ? help", "2");
  return std::move(out.lines);
}

std::vector<top_key> read_keys(std::string& bytes) {
  static constexpr std::array sequences{std::pair{std::string_view{"\x1b[A"}, top_key::up},
                                        std::pair{std::string_view{"\x1b[B"}, top_key::down},
                                        std::pair{std::string_view{"\x1b[C"}, top_key::next},
                                        std::pair{std::string_view{"\x1b[D"}, top_key::previous},
                                        std::pair{std::string_view{"\x1b[H"}, top_key::home},
                                        std::pair{std::string_view{"\x1b[F"}, top_key::end},
                                        std::pair{std::string_view{"\x1b[1~"}, top_key::home},
                                        std::pair{std::string_view{"\x1b[4~"}, top_key::end},
                                        std::pair{std::string_view{"\x1b[5~"}, top_key::page_up},
                                        std::pair{std::string_view{"\x1b[6~"}, top_key::page_down},
                                        std::pair{std::string_view{"\x1b[Z"}, top_key::previous}};
  static constexpr std::string_view plain = "qQ\x03pP sS?hH\tjk";
  static constexpr std::array meant{top_key::quit,  top_key::quit, top_key::quit, top_key::pause, top_key::pause,
                                    top_key::pause, top_key::sort, top_key::sort, top_key::help,  top_key::help,
                                    top_key::help,  top_key::next, top_key::down, top_key::up};
  std::vector<top_key> out;
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (bytes[at] != '\x1b') {
      if (auto const k = plain.find(bytes[at]); k != plain.npos) out.push_back(meant[k]);
      ++at;
      continue;
    }
    auto const intro = at + 1;
    if (intro == bytes.size()) break;  // the rest is under way, or it was the escape key
    if (bytes[intro] != '[' && bytes[intro] != 'O') {
      at = intro;
      continue;
    }
    auto end = intro + 1;
    while (end < bytes.size() && (bytes[end] < 0x40 || bytes[end] > 0x7e)) ++end;
    if (end == bytes.size()) break;
    auto word = bytes.substr(at, end + 1 - at);
    word[1] = '[';  // some terminals send O
    for (auto const& [sequence, k] : sequences)
      if (word == sequence) out.push_back(k);
    at = end + 1;
  }
  bytes.erase(0, at);
  return out;
}

}  // namespace lovage::cli
