#include <lovage/codec.hpp>

#include <gtest/gtest.h>

namespace shop {

struct point {
  double x = 0, y = 0;
  std::optional<std::string> label;
  bool operator==(point const&) const = default;
};
enum class colour : std::uint8_t { red, green };

}  // namespace shop

template <>
struct lovage::codec<shop::point>
    : lovage::fields<shop::point, lovage::field<"x", &shop::point::x>, lovage::field<"y", &shop::point::y>,
                     lovage::field<"label", &shop::point::label>> {};

namespace lovage {
namespace {

using namespace std::chrono_literals;

template <class T>
std::string written(T const& t) {
  packer p;
  codec<T>::write(p, t);
  return p.out();
}

template <class T>
T read(value const& v) {
  auto const packed = pack(v);
  unpacker in{packed};
  return codec<T>::read(in);
}

template <class T>
std::string refusal(value const& v) {
  try {
    (void)read<T>(v);
  } catch (error const& e) {
    return e.info().detail;
  }
  return "accepted";
}

template <class T>
void comes_back(T const& t) {
  auto const packed = written(t);
  unpacker in{packed};
  EXPECT_EQ(codec<T>::read(in), t) << codec<T>::name();
  EXPECT_TRUE(in.at_end());
}

TEST(Codec, ValuesComeBackAsTheyWere) {
  comes_back(true);
  comes_back<std::int8_t>(-128);
  comes_back<std::uint64_t>(UINT64_MAX);
  comes_back<std::int64_t>(INT64_MIN);
  comes_back(1.5);
  comes_back(std::string{"h\xc3\xa9llo"});
  comes_back(bytes{std::string{"\0\xff", 2}});
  comes_back(std::vector<std::byte>{std::byte{1}, std::byte{255}});
  comes_back(std::optional<int>{});
  comes_back(std::optional<int>{3});
  comes_back(std::vector<bool>{true, false});
  comes_back(std::map<std::string, std::vector<int>>{{"a", {1, 2}}, {"b", {}}});
  comes_back(std::map<int, std::string>{{-3, "x"}});
  comes_back(std::tuple<int, std::string, double>{1, "a", 2.5});
  comes_back(std::variant<std::int64_t, std::string>{"text"});
  comes_back(std::chrono::milliseconds{1500});
  comes_back(std::chrono::hours{2});
  comes_back(time_point{1'600'000'000'123'456us});
  comes_back(*uuid::parse("12345678123456781234567812345678"));
  comes_back(decimal{"1.50"});
  comes_back(big_integer{"123456789012345678901234567890"});
  comes_back(datetime{1'000'000, 3600});
  comes_back(date{18'000});
  comes_back(time_of_day{3'600'000'000});
  comes_back(shop::point{1, 2, "here"});
  comes_back(shop::colour::green);
}

TEST(Codec, AnIntegerThatDoesNotFitIsRefusedNotWrapped) {
  EXPECT_EQ(refusal<int>(3'000'000'000), "3000000000 does not fit a 32-bit int");
  EXPECT_EQ(refusal<std::uint8_t>(-1), "-1 does not fit a 8-bit unsigned int");
  EXPECT_EQ(refusal<std::int64_t>(big_integer{"99999999999999999999"}),
            "99999999999999999999 does not fit a 64-bit int");
  EXPECT_EQ(refusal<int>("7"), "expected int, got str");
  EXPECT_EQ(refusal<int>(1.5), "expected int, got float");
}

TEST(Codec, AFloatTakesAnInteger) { EXPECT_EQ(read<double>(3), 3.0); }

TEST(Codec, PythonsScalarsAreReadFromTextToo) {
  EXPECT_EQ(read<time_point>("2020-01-02T03:04:05.678901Z"), time_point{1577934245678901us});
  EXPECT_EQ(read<datetime>("2020-01-02T03:04:05+02:00").offset_s, 7200);
  EXPECT_FALSE(read<datetime>("2020-01-02 03:04:05").offset_s);
  EXPECT_EQ(read<uuid>("12345678-1234-5678-1234-567812345678").octets[0], 0x12);
  EXPECT_EQ(read<decimal>("1.50").text, "1.50");
  EXPECT_EQ(read<date>("1970-01-03").days, 2);
  EXPECT_EQ(read<time_of_day>("00:00:01.5").us, 1'500'000);
  EXPECT_EQ(read<bytes>("abc").data, "abc");
  EXPECT_EQ(refusal<datetime>("yesterday"), "expected datetime, got 'yesterday'");
}

TEST(Codec, AStructNamesTheKeyThatIsWrongOrMissing) {
  EXPECT_EQ(refusal<shop::point>(value::map{{"x", 1}}), "key 'y' is missing");
  EXPECT_EQ(refusal<shop::point>(value::map{{"x", "a"}, {"y", 2}}), "'x': expected float, got str");
  EXPECT_EQ(read<shop::point>(value::map{{"more", value::list{1, 2}}, {"y", 2}, {"x", 1}}), (shop::point{1, 2, {}}));
}

TEST(Codec, AVariantTakesTheFirstAlternativeThatReads) {
  using either = std::variant<int, std::vector<int>, std::string>;
  EXPECT_EQ(read<either>(value::list{1}).index(), 1U);
  EXPECT_EQ(refusal<either>(nullptr), "expected int or list[int] or str, got null");
}

TEST(Codec, TypesHaveNamesForHelpTexts) {
  EXPECT_EQ((codec<std::map<std::string, std::vector<std::optional<int>>>>::name()), "map[str, list[int?]]");
  EXPECT_EQ((codec<std::tuple<bool, std::uint8_t>>::name()), "(bool, uint8)");
  EXPECT_EQ(codec<shop::point>::name(), "{x: float, y: float, label: str?}");
}

TEST(IsoTime, ReadsWhatPythonWrites) {
  for (auto const* text : {"2020-01-02T03:04:05.678901Z", "2020-01-02 03:04:05.678901+00:00", "20200102T030405.678901Z",
                           "2020-01-02T05:04:05.6789019+0200"})
    EXPECT_EQ(iso_to_datetime(text)->to_time_point().time_since_epoch().count(), 1577934245678901) << text;
  for (auto const* bad : {"", "2020", "2020-13-01", "2020-01-02T", "2020-01-02T25:00", "2020-01-02T03:04:05.", "x"})
    EXPECT_FALSE(iso_to_datetime(bad)) << bad;
}

}  // namespace
}  // namespace lovage
