#include "broker/amqp/table.hpp"

#include "wire/utf8.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace lovage::broker::amqp {
namespace {

constexpr int deepest = 64;

amqp_field_value_t field(amqp_field_value_kind_t kind) {
  amqp_field_value_t out{};
  out.kind = static_cast<std::uint8_t>(kind);
  return out;
}

amqp_field_value_t text_field(amqp_bytes_t text) {
  auto out = field(AMQP_FIELD_KIND_UTF8);
  out.value.bytes = text;
  return out;
}

/// "1.50" as 150 with two decimals; nothing when it is not of that form or does not fit.
std::optional<amqp_decimal_t> small_decimal(std::string_view text) {
  std::string digits;
  std::size_t decimals = 0;
  bool point = false;
  for (char const c : text) {
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      digits += c;
      decimals += point ? 1U : 0U;
    } else {
      return std::nullopt;
    }
  }
  std::uint32_t n = 0;
  auto const [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (digits.empty() || wrong != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (decimals > 255 || n > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max())) return std::nullopt;
  return amqp_decimal_t{static_cast<std::uint8_t>(decimals), n};
}

/// Turns one value into a field; `fault` is set instead where that cannot be.
class writer {
 public:
  explicit writer(arena& memory) : memory_{memory} {}

  amqp_table_t table(value::map const& from, int depth) {
    amqp_table_t out{static_cast<int>(from.size()), memory_.make<amqp_table_entry_t>(from.size())};
    if (depth > deepest) return fault_ = "headers are nested deeper than 64", amqp_table_t{};
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i].key.size() > 255) fault_ = "the key of a header is longer than 255 bytes";
      out.entries[i].key = borrow(from[i].key);
      out.entries[i].value = one(from[i].val, depth);
    }
    return out;
  }
  [[nodiscard]] char const* fault() const noexcept { return fault_; }

 private:
  amqp_field_value_t one(value const& from, int depth) {
    depth_ = depth;
    return from.visit([this](auto const& v) { return of(v); });
  }

  amqp_field_value_t of(std::monostate) { return field(AMQP_FIELD_KIND_VOID); }
  amqp_field_value_t of(bool b) {
    auto out = field(AMQP_FIELD_KIND_BOOLEAN);
    out.value.boolean = b ? 1 : 0;
    return out;
  }
  amqp_field_value_t of(std::int64_t n) {
    bool const small = n >= std::numeric_limits<std::int32_t>::min() && n <= std::numeric_limits<std::int32_t>::max();
    auto out = field(small ? AMQP_FIELD_KIND_I32 : AMQP_FIELD_KIND_U64);
    if (small) {
      out.value.i32 = static_cast<std::int32_t>(n);
    } else {
      out.value.u64 = static_cast<std::uint64_t>(n);  // `L`, which Python and RabbitMQ read as signed
    }
    return out;
  }
  amqp_field_value_t of(std::uint64_t n) {  // above the signed range: AMQP has nothing for it that all sides read alike
    return text_field(memory_.copy(std::to_string(n)));
  }
  amqp_field_value_t of(double d) {
    auto out = field(AMQP_FIELD_KIND_F64);
    out.value.f64 = d;
    return out;
  }
  amqp_field_value_t of(std::string const& s) { return text_field(borrow(s)); }
  amqp_field_value_t of(bytes const& b) { return text_field(borrow(b.data)); }
  amqp_field_value_t of(big_integer const& n) { return text_field(borrow(n.text)); }
  amqp_field_value_t of(uuid const& u) { return text_field(memory_.copy(u.str())); }
  amqp_field_value_t of(decimal const& d) {
    auto const small = small_decimal(d.text);
    if (!small) return text_field(borrow(d.text));
    auto out = field(AMQP_FIELD_KIND_DECIMAL);
    out.value.decimal = *small;
    return out;
  }
  amqp_field_value_t of(datetime const& t) {
    auto out = field(AMQP_FIELD_KIND_TIMESTAMP);
    auto const us = t.to_time_point().time_since_epoch();
    out.value.u64 = static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(us).count());
    return out;
  }
  amqp_field_value_t of(date const& d) { return of(static_cast<std::int64_t>(d.days)); }
  amqp_field_value_t of(time_of_day const& t) { return of(t.us); }
  amqp_field_value_t of(value::list const& list) {
    auto const depth = depth_ + 1;
    auto out = field(AMQP_FIELD_KIND_ARRAY);
    if (depth > deepest) return fault_ = "headers are nested deeper than 64", out;
    out.value.array = {static_cast<int>(list.size()), memory_.make<amqp_field_value_t>(list.size())};
    for (std::size_t i = 0; i < list.size(); ++i) out.value.array.entries[i] = one(list[i], depth);
    return out;
  }
  amqp_field_value_t of(value::map const& map) {
    auto out = field(AMQP_FIELD_KIND_TABLE);
    out.value.table = table(map, depth_ + 1);
    return out;
  }

  arena& memory_;
  char const* fault_ = nullptr;
  int depth_ = 0;
};

value::map map_of(amqp_table_t const& table, int depth);

value text_value(amqp_bytes_t b) {
  auto const text = view(b);
  if (wire::is_utf8(text)) return value{text};
  return value{bytes{std::string{text}}};
}

std::string decimal_text(amqp_decimal_t d) {
  auto out = std::to_string(d.value);
  if (d.decimals == 0) return out;
  if (out.size() <= d.decimals) out.insert(0, d.decimals + std::size_t{1} - out.size(), '0');
  return out.insert(out.size() - d.decimals, ".");
}

value time_value(std::uint64_t seconds) {
  constexpr std::uint64_t latest = 253'402'300'799;  // the end of year 9999, Python's last
  if (seconds > latest) return static_cast<std::int64_t>(seconds);
  return datetime{static_cast<std::int64_t>(seconds) * 1'000'000, 0};
}

value value_of(amqp_field_value_t const& f, int depth) {
  auto const& v = f.value;
  switch (f.kind) {
    case AMQP_FIELD_KIND_BOOLEAN: return v.boolean != 0;
    case AMQP_FIELD_KIND_I8: return v.i8;
    case AMQP_FIELD_KIND_U8: return v.u8;
    case AMQP_FIELD_KIND_I16: return v.i16;
    case AMQP_FIELD_KIND_U16: return v.u16;
    case AMQP_FIELD_KIND_I32: return v.i32;
    case AMQP_FIELD_KIND_U32: return v.u32;
    case AMQP_FIELD_KIND_I64:
    case AMQP_FIELD_KIND_U64: return v.i64;
    case AMQP_FIELD_KIND_F32: return static_cast<double>(v.f32);
    case AMQP_FIELD_KIND_F64: return v.f64;
    case AMQP_FIELD_KIND_DECIMAL: return decimal{decimal_text(v.decimal)};
    case AMQP_FIELD_KIND_UTF8: return text_value(v.bytes);
    case AMQP_FIELD_KIND_BYTES: return bytes{std::string{view(v.bytes)}};
    case AMQP_FIELD_KIND_TIMESTAMP: return time_value(v.u64);
    case AMQP_FIELD_KIND_ARRAY: {
      value::list out;
      for (int i = 0; i < v.array.num_entries && depth < deepest; ++i)
        out.push_back(value_of(v.array.entries[i], depth + 1));
      return out;
    }
    case AMQP_FIELD_KIND_TABLE: return depth < deepest ? value{map_of(v.table, depth + 1)} : value{};
    default: return nullptr;
  }
}

value::map map_of(amqp_table_t const& table, int depth) {
  value::map out;
  out.reserve(static_cast<std::size_t>(table.num_entries));
  for (int i = 0; i < table.num_entries; ++i)
    out.push_back({std::string{view(table.entries[i].key)}, value_of(table.entries[i].value, depth)});
  return out;
}

}  // namespace

expected<amqp_table_t> to_table(value::map const& from, arena& memory) {
  writer w{memory};
  auto const out = w.table(from, 0);
  if (w.fault()) return fail(errc::encode, w.fault(), "headers");
  return out;
}

value::map from_table(amqp_table_t const& table) { return map_of(table, 0); }

amqp_field_value_t const* find(amqp_table_t const& table, std::string_view key) noexcept {
  for (int i = 0; i < table.num_entries; ++i)
    if (view(table.entries[i].key) == key) return &table.entries[i].value;
  return nullptr;
}

}  // namespace lovage::broker::amqp
