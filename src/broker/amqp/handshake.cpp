// How a connection begins: address, protocol header, login, tuning, virtual host.
#include "broker/amqp/session.hpp"
#include "broker/amqp/table.hpp"

#include <lovage/version.hpp>

#include <algorithm>

namespace lovage::broker::amqp {

namespace {

using namespace std::chrono_literals;

std::atomic<std::uint64_t> last_generation{0};

value::map client_properties(std::string const& name) {
  return {{"product", "lovage"},
          {"version", LOVAGE_VERSION},
          {"platform", "C++"},
          {"connection_name", name},
          {"capabilities", value::map{{"consumer_cancel_notify", true},
                                      {"connection.blocked", true},
                                      {"authentication_failure_close", true},
                                      {"publisher_confirms", true},
                                      {"basic.nack", true}}}};
}

/// In whole seconds, as AMQP counts; a fraction makes one more.
std::uint16_t seconds_of(std::chrono::milliseconds heartbeat) {
  return static_cast<std::uint16_t>(std::clamp<std::int64_t>((heartbeat.count() + 999) / 1000, 0, 65'535));
}

}  // namespace

expected<void> session::connect() {
  fault_.reset();
  blocked_.clear();
  in_ = {};
  out_ = {};
  assemblies_ = {};
  more_to_read_ = false;
  heartbeat_ = 0ms;
  generation_ = ++last_generation;
  auto const until = deadline::in(to_.connect_timeout);
  auto up = stream::connect(peer(), names_, until, stop_.get());
  if (!up) return fail(up.error());
  stream_ = *std::move(up);
  written_ = steady::now();
  heard_ = written_.time_since_epoch().count();
  if (auto ok = shake_hands(until); !ok) return ok;
  if (broken()) return fail(*fault_);
  return {};
}

expected<void> session::shake_hands(deadline until) {
  auto const stopped = [&](reply const& r) {
    auto why = fault_.value_or(error_info{errc::closed, r.text, {}});
    if (why.code == errc::timeout) why.detail = "RabbitMQ does not answer the login";
    return fail(std::move(why));
  };
  out_.protocol_header();
  auto const start = await(0, AMQP_CONNECTION_START_METHOD, until);
  if (!start.ok()) return stopped(start);
  auto const& to = peer();
  auto const mechanism = to.external_login ? "EXTERNAL" : "PLAIN";
  auto const login = to.external_login ? std::string{} : '\0' + to.user + '\0' + to.password;
  auto const about = client_properties(name_);
  arena memory;
  amqp_connection_start_ok_t start_ok{};
  start_ok.client_properties = to_table(about, memory).value();
  start_ok.mechanism = borrow(mechanism);
  start_ok.response = borrow(login);
  start_ok.locale = borrow("en_US");
  send(0, AMQP_CONNECTION_START_OK_METHOD, &start_ok);
  auto const proposal = await(0, AMQP_CONNECTION_TUNE_METHOD, until);
  if (!proposal.ok()) return stopped(proposal);
  tune(proposal);
  amqp_connection_open_t open{};
  open.virtual_host = borrow(to.vhost);
  send(0, AMQP_CONNECTION_OPEN_METHOD, &open);
  auto const opened = await(0, AMQP_CONNECTION_OPEN_OK_METHOD, until);
  return opened.ok() ? expected<void>{} : stopped(opened);
}

void session::tune(reply const& proposal) {
  amqp_connection_tune_ok_t ok{};
  ok.channel_max = channels;
  auto const theirs = proposal.frame_max == 0 ? default_frame_max : proposal.frame_max;
  ok.frame_max = static_cast<int>(std::clamp<std::uint32_t>(theirs, 4096, default_frame_max));
  ok.heartbeat = seconds_of(to_.heartbeat);
  in_.limit(static_cast<std::uint32_t>(ok.frame_max));
  out_.limit(static_cast<std::uint32_t>(ok.frame_max));
  send(0, AMQP_CONNECTION_TUNE_OK_METHOD, &ok);
  heartbeat_ = std::chrono::seconds{ok.heartbeat};
}

}  // namespace lovage::broker::amqp
