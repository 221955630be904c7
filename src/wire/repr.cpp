// Arguments as text for humans, as Celery's saferepr writes them (wire-format 1.6).
#include "wire/civil.hpp"
#include "wire/result_record.hpp"
#include "wire/scalar_text.hpp"
#include "wire/task_message.hpp"
#include "wire/utf8.hpp"

#include <algorithm>

namespace lovage::wire {

namespace {

constexpr int max_levels = 3;

/// Characters, as Python counts them.
std::ptrdiff_t count_characters(std::string_view s) noexcept {
  std::ptrdiff_t n = 0;
  for (char const c : s) n += (static_cast<std::uint8_t>(c) & 0xc0) != 0x80;
  return n;
}

std::string_view first_characters(std::string_view s, std::ptrdiff_t n) noexcept {
  std::size_t i = 0;
  for (; i < s.size(); ++i)
    if ((static_cast<std::uint8_t>(s[i]) & 0xc0) != 0x80 && n-- == 0) break;
  return s.substr(0, i);
}

/// Python's textual form of the scalars that are neither text nor container.
struct scalar_repr {
  std::string operator()(std::monostate) { return "None"; }
  std::string operator()(bool b) { return b ? "True" : "False"; }
  std::string operator()(std::int64_t i) { return std::to_string(i); }
  std::string operator()(std::uint64_t u) { return std::to_string(u); }
  std::string operator()(double d) {
    std::string out;
    append_float(out, d);
    return out;
  }
  std::string operator()(big_integer const& b) { return b.text; }
  std::string operator()(decimal const& d) { return "Decimal('" + d.text + "')"; }
  std::string operator()(uuid const& u) { return "UUID('" + u.str() + "')"; }
  std::string operator()(date const& d) { return "datetime.date(" + day(d.days) + ")"; }
  std::string operator()(time_of_day const& t) { return "datetime.time(" + clock(t.us) + ")"; }
  std::string operator()(datetime const& d) {
    auto const split = split_days(d.local_us);
    return "datetime.datetime(" + day(split.days) + ", " + clock(split.us) + zone(d.offset_s) + ")";
  }
  template <class Other>
  std::string operator()(Other const&) {
    return {};
  }

  static std::string day(std::int64_t days) {
    auto const c = civil_from_days(days);
    return std::to_string(c.year) + ", " + std::to_string(c.month) + ", " + std::to_string(c.day);
  }
  static std::string clock(std::int64_t us) {
    auto const s = us / us_per_second, fraction = us % us_per_second;
    auto out = std::to_string(s / 3600) + ", " + std::to_string(s / 60 % 60);
    if (s % 60 != 0 || fraction != 0) out += ", " + std::to_string(s % 60);
    if (fraction != 0) out += ", " + std::to_string(fraction);
    return out;
  }
  static std::string zone(std::optional<std::int32_t> offset) {
    if (!offset) return {};
    if (*offset == 0) return ", tzinfo=datetime.timezone.utc";
    std::string const days = *offset < 0 ? "days=-1, " : "";
    auto const seconds = std::int64_t{*offset} + (*offset < 0 ? 86400 : 0);
    return ", tzinfo=datetime.timezone(datetime.timedelta(" + days + "seconds=" + std::to_string(seconds) + "))";
  }
};

/// Writes token by token; once the limit is reached, only what closes the open brackets.
class repr_writer {
 public:
  explicit repr_writer(std::size_t limit) : left_{static_cast<std::ptrdiff_t>(std::min(limit, std::size_t{1} << 40))} {}

  void any(value const& v, int level) {
    if (auto const* s = v.get_if<std::string>()) return text(*s);
    if (auto const* b = v.get_if<bytes>()) return octets(b->data);
    if (auto const* l = v.get_if<value::list>()) return sequence(*l, "[", "]", level);
    if (auto const* m = v.get_if<value::map>()) return mapping(*m, level);
    if (goes_on()) put(cut(v.visit(scalar_repr{})));
  }
  void tuple(value::list const& l) { sequence(l, "(", l.size() == 1 ? ",)" : ")", 0); }
  void mapping(value::map const& m, int level) {
    if (level >= max_levels) return literal("{...}");
    literal("{");
    bool const open = !stopped_;
    for (bool first = true; auto const& member : m) {
      if (stopped_) break;
      if (!std::exchange(first, false)) literal(", ");
      text(member.key);
      literal(": ");
      if (!stopped_) any(member.val, level + 1);
    }
    close("}", open);
  }

  std::string take() { return std::move(out_); }

 private:
  void sequence(value::list const& l, std::string_view start, std::string_view end, int level) {
    if (level >= max_levels) return literal(std::string{start}.append("...").append(end));
    literal(start);
    bool const open = !stopped_;
    for (bool first = true; auto const& item : l) {
      if (stopped_) break;
      if (!std::exchange(first, false)) literal(", ");
      if (!stopped_) any(item, level + 1);
    }
    close(end, open);
  }
  bool goes_on() {
    if (stopped_) return false;
    if (left_ > 0) return true;
    out_ += ", ...";
    stopped_ = true;
    return false;
  }
  void put(std::string_view s) {
    out_ += s;
    left_ -= count_characters(s);
  }
  void literal(std::string_view s) {
    if (goes_on()) put(s);
  }
  void close(std::string_view s, bool open) {
    if (open) put(s);
  }
  /// Cut at a blank when it does not fit.
  std::string cut(std::string_view s) const {
    auto const head = first_characters(s, left_);  // looks at no more of a long text than this
    if (head.size() == s.size() && count_characters(s) < left_) return std::string{s};
    return std::string{head.substr(0, head.rfind(' '))} + "...";
  }
  void text(std::string_view s) {
    if (!goes_on()) return;
    std::string quoted{"'"};
    append_escaped(quoted, readable(cut(s)));
    put(quoted += '\'');
  }
  void octets(std::string_view s) {
    if (!goes_on()) return;
    bool const is_cut = static_cast<std::ptrdiff_t>(s.size()) > left_;
    if (is_cut) s = s.substr(0, static_cast<std::size_t>(left_));
    std::string quoted{"b'"};
    if (is_utf8(s)) {
      quoted += s;
    } else {
      static constexpr char hex[] = "0123456789abcdef";
      for (char const c : s)
        (quoted += hex[static_cast<std::uint8_t>(c) >> 4]) += hex[static_cast<std::uint8_t>(c) & 15];
    }
    put(quoted += is_cut ? "...'" : "'");
  }
  static void append_escaped(std::string& out, std::string_view s) {
    for (char const c : s) {
      if (c == '\'') out += '\\';
      out += c;
    }
  }
  /// The text goes into headers, which must be UTF-8: other bytes become `\xff`.
  static std::string readable(std::string s) {
    if (is_utf8(s)) return s;
    static constexpr char hex[] = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i < s.size();) {
      auto const c = first_code_point(std::string_view{s}.substr(i));
      if (c.size != 0) {
        out.append(s, i, c.size);
        i += c.size;
      } else {
        auto const b = static_cast<std::uint8_t>(s[i++]);
        ((out += "\\x") += hex[b >> 4]) += hex[b & 15];
      }
    }
    return out;
  }

  std::string out_;
  std::ptrdiff_t left_;
  bool stopped_ = false;
};

}  // namespace

std::string args_repr(value::list const& args, std::size_t max_size) {
  repr_writer out{max_size};
  out.tuple(args);
  return out.take();
}

std::string kwargs_repr(value::map const& kwargs, std::size_t max_size) {
  repr_writer out{max_size};
  out.mapping(kwargs, 0);
  return out.take();
}

std::string repr(value const& v, std::size_t max_size) {
  repr_writer out{max_size};
  out.any(v, 0);
  return out.take();
}

}  // namespace lovage::wire
