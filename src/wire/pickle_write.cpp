#include "wire/civil.hpp"
#include "wire/limits.hpp"
#include "wire/pickle.hpp"
#include "wire/pickle_integer.hpp"
#include "wire/scalar_text.hpp"
#include "wire/utf8.hpp"

#include <bit>
#include <cstdint>
#include <limits>

namespace lovage::wire {
namespace {

/// Writes opcodes; the first error stays.
class pickle_writer {
 public:
  pickle_writer() { out_ = "\x80\x04"; }
  void write(value const& v);
  /// `module.name(...)` of the arguments that `arguments` writes.
  template <class F>
  void call(char const* module, char const* name, F&& arguments) {
    out_ += 'c';
    (out_ += module) += '\n';
    (out_ += name) += '\n';
    out_ += '(';
    arguments();
    out_ += "tR";
  }
  void write_tuple(result_tuple const& t);
  expected<std::string> finish() {
    if (!fault_) return fail(fault_.error());
    return std::move(out_) + '.';
  }

  void operator()(std::monostate) { out_ += 'N'; }
  void operator()(bool b) { out_ += b ? '\x88' : '\x89'; }
  void operator()(std::int64_t i);
  void operator()(std::uint64_t u) { write_long(std::to_string(u)); }
  void operator()(big_integer const& i) { write_long(i.text); }
  void operator()(double d);
  void operator()(std::string const& text);
  void operator()(bytes const& b) { sized('C', 'B', '\x8e', b.data); }
  void operator()(value::list const& l);
  void operator()(value::map const& m);
  void operator()(decimal const& d) {
    call("decimal", "Decimal", [&] { (*this)(d.text); });
  }
  void operator()(uuid const& u) {
    call("uuid", "UUID", [&] { (*this)(u.str()); });
  }
  void operator()(datetime const& d);
  void operator()(date d);
  void operator()(time_of_day t);

 private:
  void number(std::uint64_t v, int octets) {
    for (int i = 0; i < octets; ++i) out_ += static_cast<char>(v >> i * 8 & 0xff);
  }
  void sized(char one, char four, char eight, std::string_view data);
  void write_long(std::string const& text);
  void need(expected<void> const& holds) {
    if (!holds && fault_) fault_ = holds;
  }
  static std::string day_octets(std::int64_t days);
  static std::string time_octets(std::int64_t us);

  std::string out_;
  expected<void> fault_;
  int depth_ = 0;
};

void pickle_writer::write(value const& v) {
  if (depth_ >= max_nesting) return need(fail(errc::encode, nested_too_deep()));
  ++depth_;
  v.visit(*this);
  --depth_;
}

void pickle_writer::sized(char one, char four, char eight, std::string_view data) {
  bool const is_short = data.size()<256, is_long = data.size()> std::numeric_limits<std::uint32_t>::max();
  out_ += is_short ? one : is_long ? eight : four;
  number(data.size(), is_short ? 1 : is_long ? 8 : 4);
  out_ += data;
}

void pickle_writer::operator()(std::string const& text) {
  for (std::size_t i = 0; i < text.size();) {
    auto const c = first_code_point(std::string_view{text}.substr(i), true);
    if (c.size == 0) return need(fail(errc::encode, "a text is no UTF-8; send bytes"));
    i += c.size;
  }
  sized('\x8c', 'X', '\x8d', text);
}

void pickle_writer::operator()(std::int64_t i) {
  if (i >= 0 && i < 256) return out_ += 'K', number(static_cast<std::uint64_t>(i), 1);
  if (i >= 0 && i < 65'536) return out_ += 'M', number(static_cast<std::uint64_t>(i), 2);
  if (i >= std::numeric_limits<std::int32_t>::min() && i <= std::numeric_limits<std::int32_t>::max())
    return out_ += 'J', number(static_cast<std::uint64_t>(i), 4);
  write_long(std::to_string(i));
}

void pickle_writer::write_long(std::string const& text) {
  auto const octets = octets_of_integer(text);
  if (!octets) return need(fail(errc::encode, "an integer has too many digits, or other signs"));
  bool const is_short = octets->size() < 256;
  out_ += is_short ? '\x8a' : '\x8b';
  number(octets->size(), is_short ? 1 : 4);
  out_ += *octets;
}

void pickle_writer::operator()(double d) {
  out_ += 'G';
  auto const bits = std::bit_cast<std::uint64_t>(d);
  for (int i = 7; i >= 0; --i) out_ += static_cast<char>(bits >> i * 8 & 0xff);
}

void pickle_writer::operator()(value::list const& l) {
  out_ += "](";
  for (auto const& v : l) write(v);
  out_ += 'e';
}

void pickle_writer::operator()(value::map const& m) {
  out_ += "}(";
  for (auto const& item : m) {
    (*this)(item.key);
    write(item.val);
  }
  out_ += 'u';
}

std::string pickle_writer::day_octets(std::int64_t days) {
  auto const c = civil_from_days(days);
  return {static_cast<char>(c.year >> 8), static_cast<char>(c.year & 0xff), static_cast<char>(c.month),
          static_cast<char>(c.day)};
}

std::string pickle_writer::time_octets(std::int64_t us) {
  auto const s = us / us_per_second, rest = us % us_per_second;
  std::string out;
  for (auto const octet : {s / 3'600, s / 60 % 60, s % 60, rest >> 16, rest >> 8 & 0xff, rest & 0xff})
    out += static_cast<char>(octet);
  return out;
}

void pickle_writer::operator()(date d) {
  need(check_range(d));
  call("datetime", "date", [&] { (*this)(bytes{day_octets(d.days)}); });
}

void pickle_writer::operator()(time_of_day t) {
  need(check_range(t));
  call("datetime", "time", [&] { (*this)(bytes{time_octets(t.us)}); });
}

void pickle_writer::operator()(datetime const& d) {
  need(check_range(d));
  auto const split = split_days(d.local_us);
  call("datetime", "datetime", [&] {
    (*this)(bytes{day_octets(split.days) + time_octets(split.us)});
    if (!d.offset_s) return;
    call("datetime", "timezone", [&] {
      call("datetime", "timedelta", [&] {
        (*this)(std::int64_t{0});
        (*this)(std::int64_t{*d.offset_s});
      });
    });
  });
}

// Python's own tuples: `result_from_tuple` takes them apart by position.
void pickle_writer::write_tuple(result_tuple const& t) {
  if (depth_ >= max_nesting) return need(fail(errc::encode, nested_too_deep()));
  ++depth_;
  out_ += "((";
  (*this)(t.id);
  if (t.parent.empty()) {
    out_ += 'N';
  } else {
    write_tuple(t.parent.front());
  }
  out_ += 't';
  if (t.children) {
    out_ += "](";
    for (auto const& c : *t.children) write_tuple(c);
    out_ += 'e';
  } else {
    out_ += 'N';
  }
  out_ += 't';
  --depth_;
}

}  // namespace

expected<std::string> to_pickle(value const& v) {
  pickle_writer out;
  out.write(v);
  return out.finish();
}

expected<std::string> group_to_pickle(result_tuple const& group) {
  pickle_writer out;
  out.call("celery.result", "result_from_tuple", [&] { out.write_tuple(group); });
  return out.finish();
}

}  // namespace lovage::wire
