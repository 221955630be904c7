#include "beat/heat.hpp"

#include "beat/scatter.hpp"

#include <lovage/iso_time.hpp>

#include <gtest/gtest.h>

#include <map>

namespace lovage {
namespace {

using namespace std::chrono_literals;

struct heat_case {
  std::vector<std::string> names;
  std::vector<schedule> schedules;
  std::vector<beats::heat_source> sources;

  explicit heat_case(std::vector<std::pair<std::string, std::string>> const& entries,
                     std::chrono::microseconds spread = 0s) {
    for (auto const& [name, text] : entries) {
      names.push_back(name);
      schedules.push_back(schedule::parse(text).value().settled(name).value());
    }
    for (std::size_t i = 0; i < names.size(); ++i) sources.push_back({names[i], &schedules[i], spread});
  }
  beats::heat of(char const* begin) const {
    return beats::heat_of(sources, iso_to_datetime(begin).value().to_time_point());
  }
};

TEST(Heat, CountsRunsByTheMinute) {
  heat_case const entries{{{"hourly", "5 * * * *"}, {"often", "every 20s"}, {"nightly", "30 2 * * *"}}};
  auto const heat = entries.of("2026-11-30T00:00:30Z");
  ASSERT_EQ(heat.per_minute.size(), 1440u);
  EXPECT_EQ(heat.per_minute[0], 3u);
  EXPECT_EQ(heat.per_minute[5], 4u);
  EXPECT_EQ(heat.per_minute[150], 4u);
  EXPECT_EQ(heat.runs, 24u + 1u + 3u * 1440u);
}

TEST(Heat, CountsWhatASearchFinds) {
  for (auto const* text : {"every 7s", "every 0.3s from 2026-11-30T00:10:30Z", "every 100s", "*/7 * * * *"}) {
    heat_case const entry{{{"e", text}}, 90s};
    auto const heat = entry.of("2026-11-30T00:00:00Z");
    std::map<std::size_t, std::uint32_t> found;
    auto const begin = heat.begin;
    for (auto const due : entry.schedules[0].between(begin - 90s, begin + 24h, 1'000'000)) {
      auto const sent = due + beats::spread_of("e", 90s);
      if (sent >= begin && sent < begin + 24h) ++found[static_cast<std::size_t>((sent - begin) / 1min)];
    }
    for (std::size_t m = 0; m < 1440; ++m) ASSERT_EQ(heat.per_minute[m], found[m]) << text << ", minute " << m;
  }
}

TEST(Heat, NamesPileUpsAndQuietHours) {
  std::vector<std::pair<std::string, std::string>> entries{{"morning", "0 9 * * *"}};
  for (int i = 0; i < 20; ++i) entries.emplace_back("cleanup-" + std::to_string(i), "0 0 * * *");
  auto const heat = heat_case{entries}.of("2026-11-30T00:00:00Z");
  ASSERT_EQ(heat.pile_ups.size(), 1u) << "one run is no pile";
  EXPECT_EQ(heat.pile_ups[0].minute, 0u);
  EXPECT_EQ(heat.pile_ups[0].runs, 20u);
  EXPECT_EQ(heat.pile_ups[0].entries,
            (std::vector<std::string>{"cleanup-0", "cleanup-1", "cleanup-10", "cleanup-11", "cleanup-12"}));
  EXPECT_EQ(heat.pile_ups[0].more, 15u);
  ASSERT_EQ(heat.quiet.size(), 3u);
  EXPECT_EQ(heat.quiet[0].first, 60u);
  auto const lines = beats::heat_lines(heat, "Europe/Berlin");
  EXPECT_EQ(lines[0], "01:00  " + std::string(40, '#') + "  20 runs, at most 20 in a minute (01:00)");
  EXPECT_EQ(lines[1], "02:00  " + std::string(40, ' ') + "  0 runs");
  EXPECT_EQ(lines[25], "  01:00  20 runs: cleanup-0, cleanup-1, cleanup-10, cleanup-11, cleanup-12 and 15 more");
  EXPECT_EQ(lines[27], "  02:00 to 03:00  0 runs");
}

TEST(Heat, SeesThatHashesAndSpreadScatter) {
  std::vector<std::pair<std::string, std::string>> fixed, hashed;
  for (int i = 0; i < 300; ++i) {
    fixed.emplace_back("job-" + std::to_string(i), "0 3 * * *");
    hashed.emplace_back("job-" + std::to_string(i), "H 3 * * *");
  }
  auto const fullest = [](beats::heat const& h) { return *std::max_element(h.per_minute.begin(), h.per_minute.end()); };
  EXPECT_EQ(fullest(heat_case{fixed}.of("2026-11-30T00:00:00Z")), 300u);
  EXPECT_LE(fullest(heat_case{hashed}.of("2026-11-30T00:00:00Z")), 16u);
  EXPECT_LE(fullest(heat_case{fixed, 1h}.of("2026-11-30T00:00:00Z")), 16u);
}

TEST(Heat, OfNothingIsEmpty) {
  auto const heat = heat_case{{}}.of("2026-11-30T00:00:00Z");
  EXPECT_EQ(heat.runs, 0u);
  EXPECT_TRUE(heat.pile_ups.empty());
  EXPECT_EQ(beats::heat_lines(heat).size(), 24u + 4u);
  EXPECT_TRUE(beats::heat_of({}, heat.begin, 0min).per_minute.empty());
}

TEST(Heat, OfTenThousandEntriesIsQuick) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; i < 10'000; ++i)
    entries.emplace_back("job-" + std::to_string(i), i % 10 == 0 ? "H/5 * * * * Europe/Berlin" : "H H * * *");
  heat_case const all{entries};
  auto const start = std::chrono::steady_clock::now();
  auto const heat = all.of("2026-11-30T00:00:00Z");
  auto const took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(heat.runs, 1000u * 288u + 9000u);
#ifdef __SANITIZE_ADDRESS__
  auto const limit = 60s;  // that build is not optimised
#else
  auto const limit = 5s;
#endif
  EXPECT_LT(took, limit) << "a fifth of a second where nothing else runs and nobody watches memory";
  RecordProperty("milliseconds", static_cast<int>(took / 1ms));
}

}  // namespace
}  // namespace lovage
