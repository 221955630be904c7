#include "worker/connecting.hpp"

#include "config/url.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace lovage::work {

bool worth_a_retry(errc code) noexcept {
  switch (code) {
    case errc::bad_config:
    case errc::invalid_argument:
    case errc::not_supported:
    case errc::not_accepted: return false;
    default: return true;
  }
}

std::optional<std::chrono::seconds> connect_schedule::next() {
  ++failed_;
  if (most_ && failed_ > *most_) return std::nullopt;
  return std::chrono::seconds{std::min(2 * failed_, 8)};
}

std::string connect_schedule::text(std::string_view url, error_info const& why, std::chrono::seconds wait) const {
  auto const count = most_ ? fmt::format("{}/{}", failed_, *most_) : std::to_string(failed_);
  return fmt::format("consumer: Cannot connect to {}: {}.\nTrying again in {:.2f} seconds... ({})", url, why.text(),
                     std::chrono::duration<double>(wait).count(), count);
}

namespace {

expected<connections> connect_broker(detail::app_state& app, broker::consumer_options const& options, deadline until) {
  connections out;
  auto transport = app.transport(until);
  if (!transport) return fail(transport.error());
  auto const& where = app.publishing.where;
  if (auto ok = where.can_take(options.queues, (*transport)->abilities()); !ok) return fail(ok.error());
  auto producer = app.producer(until);
  if (!producer) return fail(producer.error());
  auto const sending = app.sending_transport(until);
  if (!sending) return fail(sending.error());
  auto source = (*transport)->make_consumer(options, until);
  if (!source) return fail(source.error());
  out.producer = *std::move(producer);
  out.source = *std::move(source);
  out.exchanges = (*sending)->abilities().exchanges;
  return out;
}

}  // namespace

// The backend first: a consumer that is connected has messages pushed at it.
connect_attempt connect(detail::app_state& app, broker::consumer_options const& options, deadline until) {
  std::shared_ptr<backend::result_backend> results;
  if (app.has_backend()) {
    auto made = app.backend(until);
    if (!made) return {fail(made.error()), mask_url(app.settings.result_backend())};
    results = *std::move(made);
  }
  auto out = connect_broker(app, options, until);
  if (!out) return {fail(out.error()), mask_url(app.settings.broker_read_url())};
  out->results = std::move(results);
  return {std::move(out), {}};
}

}  // namespace lovage::work
