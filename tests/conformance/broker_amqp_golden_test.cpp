// Frames that py-amqp sent, read and written again; and the delay queues that Celery declared. See tests/golden.
#include "broker/amqp/content.hpp"
#include "broker/amqp/frames.hpp"
#include "broker_amqp_fixture.hpp"
#include "wire/serializer.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

namespace lovage::broker {
namespace {

value golden(char const* name) {
  std::ifstream in{std::string{LOVAGE_SOURCE_DIR "/tests/golden/"} + name};
  std::ostringstream text;
  text << in.rdbuf();
  return wire::from_json(text.str(), true).value();
}

std::string const& text(value const& of, char const* key) { return *of.find(key)->get_if<std::string>(); }

std::string unhex(std::string const& digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    out += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return out;
}

std::string hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (char const c : bytes) {
    out += digits[static_cast<std::uint8_t>(c) >> 4];
    out += digits[static_cast<std::uint8_t>(c) & 15];
  }
  return out;
}

TEST(AmqpGolden, writes_the_very_frames_that_py_amqp_wrote) {
  auto const file = golden("topology/publish-frames.json");
  auto const& publishes = *file.find("publishes")->get_if<value::list>();
  ASSERT_GE(publishes.size(), 2U);
  for (auto const& p : publishes) {
    std::string bytes;
    for (auto const& f : *p.find("frames_hex")->get_if<value::list>()) bytes += unhex(*f.get_if<std::string>());
    amqp::frame_reader in;
    std::copy(bytes.begin(), bytes.end(), in.room().begin());
    in.arrived(bytes.size());
    (void)in.next().value();  // the method
    amqp::arena memory;
    auto const header = std::string{in.next().value()->payload};
    auto const body = std::string{in.next().value()->payload};
    auto const a = amqp::read_properties(std::string_view{header}.substr(12), memory);
    ASSERT_TRUE(a.readable);

    auto const& args = *p.find("args");
    amqp_basic_publish_t how{};
    how.exchange = amqp::borrow(text(args, "exchange"));
    how.routing_key = amqp::borrow(text(args, "routing_key"));
    auto const properties = amqp::to_properties(a.envelope, std::nullopt, {}, memory).value();
    amqp::frame_writer out;
    ASSERT_TRUE(out.publish(1, how, properties, body));
    EXPECT_EQ(hex(out.pending()), hex(bytes));
  }
}

/// One line for each queue and binding: name, type or arguments sorted by key, keys.
std::set<std::string> declared(value const& file) {
  std::set<std::string> out;
  for (auto const& m : *file.find("delayed_methods")->get_if<value::list>()) {
    auto const& method = text(m, "method");
    if (method == "queue.declare") {
      std::map<std::string, std::string> arguments;
      for (auto const& a : *m.find("arguments")->get_if<value::map>()) {
        auto const& v = a.val.get_if<value::list>()->at(1);
        auto const* n = v.get_if<std::int64_t>();
        arguments[a.key] = n ? std::to_string(*n) : *v.get_if<std::string>();
      }
      auto line = "queue " + text(m, "queue");
      for (auto const& [key, val] : arguments) line += " " + key + "=" + val;
      out.insert(line);
    } else if (method == "queue.bind") {
      out.insert("queue " + text(m, "queue") + " of " + text(m, "exchange") + " by " + text(m, "routing_key"));
    } else if (method == "exchange.bind" && text(m, "destination") != "celery") {
      out.insert("exchange " + text(m, "destination") + " of " + text(m, "source") + " by " + text(m, "routing_key"));
    }
  }
  return out;
}

std::set<std::string> lines(std::string text) {
  std::set<std::string> out;
  std::erase(text, '"');
  std::istringstream in{text};
  for (std::string line; std::getline(in, line, '|');)
    if (!line.empty()) out.insert(line);
  return out;
}

class AmqpGoldenLadder : public AmqpBroker {};

TEST_F(AmqpGoldenLadder, declares_the_delay_queues_as_celery_does) {
  open();  // quorum, as is the default
  auto later = message("later");
  later.due = system_now() + 1h;
  send({later});
  auto const there = in_vhost(
      "T = fun(X) when is_binary(X) -> X; (X) -> integer_to_binary(X) end, "
      "N = fun({resource, _, _, X}) -> X end, "
      "Qs = [iolist_to_binary([\"queue \", N(amqqueue:get_name(Q)), "
      "[[\" \", K, \"=\", T(W)] || {K, _, W} <- lists:sort(amqqueue:get_arguments(Q))], \"|\"]) "
      "|| Q <- rabbit_amqqueue:list(V), binary:match(N(amqqueue:get_name(Q)), <<\"delayed\">>) =/= nomatch], "
      "Bs = [iolist_to_binary([atom_to_list(element(3, D)), \" \", N(D), \" of \", N(S), \" by \", K, \"|\"]) "
      "|| {binding, S, K, D, _} <- rabbit_binding:list(V), binary:match(N(S), <<\"delayed\">>) =/= nomatch, "
      "binary:match(N(D), <<\"delayed\">>) =/= nomatch], "
      "binary_to_list(iolist_to_binary([Qs, Bs]))");
  auto const expected = declared(golden("v5.6/quorum-delayed.json"));
  EXPECT_EQ(expected.size(), 28U * 3);
  EXPECT_EQ(lines(there), expected);
}

}  // namespace
}  // namespace lovage::broker
