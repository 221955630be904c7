// What a session does with each frame that comes.
#include "broker/amqp/session.hpp"
#include "broker/amqp/table.hpp"

namespace lovage::broker::amqp {
namespace {

constexpr std::uint64_t largest_body = 1ULL << 30;

std::uint64_t read_number(std::string_view at, int octets) {
  std::uint64_t out = 0;
  for (int i = 0; i < octets; ++i) out = out << 8 | static_cast<std::uint8_t>(at[static_cast<std::size_t>(i)]);
  return out;
}

error_info broken_rules(char const* how) {
  return {errc::decode, std::string{"RabbitMQ broke AMQP's rules: "} + how, {}};
}

/// Codes of connection.close that no second attempt heals.
bool of_settings(amqp_connection_close_t const& m) {
  if (m.reply_code == AMQP_ACCESS_REFUSED) return true;
  return m.reply_code == AMQP_NOT_ALLOWED && view(m.reply_text).find("limit") == std::string_view::npos;
}

template <class Method>
Method const& as(amqp_method_t const& m) {
  return *static_cast<Method const*>(m.decoded);
}

}  // namespace

void session::dispatch(frame const& f) {
  switch (f.type) {
    case AMQP_FRAME_METHOD: return on_method_frame(f);
    case AMQP_FRAME_HEADER:
    case AMQP_FRAME_BODY: return on_content_frame(f);
    default: return;  // a heartbeat has been heard
  }
}

void session::on_method_frame(frame const& f) {
  if (f.payload.size() < 4 || f.channel >= channels) return abandon(broken_rules("a frame of no channel of ours"));
  amqp_method_t m{static_cast<amqp_method_number_t>(read_number(f.payload, 4)), nullptr};
  memory_.clear();
  if (amqp_decode_method(m.id, memory_.get(), borrow(f.payload.substr(4)), &m.decoded) < 0)
    return abandon(broken_rules("a method that cannot be read"));
  if (assemblies_[f.channel].open) return abandon(broken_rules("a method within a message"));
  switch (m.id) {
    case AMQP_CHANNEL_CLOSE_METHOD: return on_channel_close(f.channel, as<amqp_channel_close_t>(m));
    case AMQP_BASIC_DELIVER_METHOD:
    case AMQP_BASIC_RETURN_METHOD:
    case AMQP_BASIC_GET_OK_METHOD: return begin_content(f.channel, m);
    default: break;
  }
  if (awaited_ && awaited_->channel == f.channel && awaited_->id == m.id) return answer(m);
  if (f.channel == 0) return on_connection_method(m);
  tenant_.on_method(*this, f.channel, m);
}

void session::on_connection_method(amqp_method_t const& m) {
  switch (m.id) {
    case AMQP_CONNECTION_CLOSE_METHOD: {
      auto const& why = as<amqp_connection_close_t>(m);
      auto text = "RabbitMQ closed the connection: " + std::string{view(why.reply_text)};
      amqp_connection_close_ok_t ok{};
      send(0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
      flush();
      return abandon({of_settings(why) ? errc::bad_config : errc::unavailable, std::move(text), {}});
    }
    case AMQP_CONNECTION_BLOCKED_METHOD:
      blocked_ = view(as<amqp_connection_blocked_t>(m).reason);
      if (blocked_.empty()) blocked_ = "no reason given";
      return;
    case AMQP_CONNECTION_UNBLOCKED_METHOD: return blocked_.clear();
    default: return;
  }
}

void session::on_channel_close(std::uint16_t channel, amqp_channel_close_t const& m) {
  std::string const text{view(m.reply_text)};
  int const code = m.reply_code;
  amqp_channel_close_ok_t ok{};
  send(channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
  if (awaited_ && awaited_->channel == channel) {
    awaited_->got = {code, text};
    awaited_->done = true;
  } else {
    tenant_.on_channel_closed(*this, channel, code, text);
  }
}

void session::answer(amqp_method_t const& m) {
  auto& r = awaited_->got;
  switch (m.id) {
    case AMQP_CONNECTION_TUNE_METHOD:
      r.frame_max = as<amqp_connection_tune_t>(m).frame_max;
      r.heartbeat = as<amqp_connection_tune_t>(m).heartbeat;
      break;
    case AMQP_QUEUE_DECLARE_OK_METHOD:
      r.text = view(as<amqp_queue_declare_ok_t>(m).queue);
      r.messages = as<amqp_queue_declare_ok_t>(m).message_count;
      r.consumers = as<amqp_queue_declare_ok_t>(m).consumer_count;
      break;
    case AMQP_QUEUE_PURGE_OK_METHOD: r.messages = as<amqp_queue_purge_ok_t>(m).message_count; break;
    case AMQP_QUEUE_DELETE_OK_METHOD: r.messages = as<amqp_queue_delete_ok_t>(m).message_count; break;
    case AMQP_BASIC_CONSUME_OK_METHOD: r.text = view(as<amqp_basic_consume_ok_t>(m).consumer_tag); break;
    default: break;
  }
  awaited_->done = true;
}

void session::begin_content(std::uint16_t channel, amqp_method_t const& m) {
  auto& a = assemblies_[channel];
  a.open = true;
  a.headed = false;
  auto& to = a.message;
  to = {};
  to.by = m.id;
  if (m.id == AMQP_BASIC_DELIVER_METHOD) {
    auto const& d = as<amqp_basic_deliver_t>(m);
    to.tag = d.delivery_tag;
    to.redelivered = d.redelivered != 0;
    to.consumer = view(d.consumer_tag);
    to.exchange = view(d.exchange);
    to.routing_key = view(d.routing_key);
  } else if (m.id == AMQP_BASIC_RETURN_METHOD) {
    auto const& d = as<amqp_basic_return_t>(m);
    to.code = d.reply_code;
    to.text = view(d.reply_text);
    to.exchange = view(d.exchange);
    to.routing_key = view(d.routing_key);
  } else {
    auto const& d = as<amqp_basic_get_ok_t>(m);
    to.tag = d.delivery_tag;
    to.redelivered = d.redelivered != 0;
    to.exchange = view(d.exchange);
    to.routing_key = view(d.routing_key);
  }
}

void session::on_content_frame(frame const& f) {
  if (f.channel >= channels || !assemblies_[f.channel].open) return abandon(broken_rules("content without a method"));
  auto& a = assemblies_[f.channel];
  if (f.type == AMQP_FRAME_HEADER) {
    if (a.headed || f.payload.size() < 14) return abandon(broken_rules("a header out of place"));
    a.headed = true;
    a.missing = read_number(f.payload.substr(4), 8);
    if (a.missing > largest_body) return abandon(broken_rules("a message larger than 1 GiB"));
    a.message.properties = f.payload.substr(12);
    a.message.body.reserve(std::min<std::uint64_t>(a.missing, 1U << 20));
  } else {
    if (!a.headed || f.payload.size() > a.missing) return abandon(broken_rules("a body out of place"));
    a.message.body += f.payload;
    a.missing -= f.payload.size();
  }
  if (a.missing > 0) return;
  a.open = false;
  tenant_.on_content(*this, f.channel, std::move(a.message));
}

}  // namespace lovage::broker::amqp
