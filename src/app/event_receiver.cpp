#include "app/event_receiver.hpp"

#include "core/log.hpp"

#include <iterator>

namespace lovage::detail {

expected<std::unique_ptr<event_receiver>> event_receiver::open(app_state& app, std::string const& pattern,
                                                               deadline until) {
  auto transport = app.transport(until);
  if (!transport) return fail(transport.error());
  if (!(*transport)->abilities().inboxes) return fail(errc::not_supported, "this broker carries no events");
  auto with = event_mail::settings::of(app.settings);
  auto inbox = (*transport)->make_inbox(event_mail::monitor_queue(with, pattern), until);
  if (!inbox) return fail(inbox.error());
  return std::unique_ptr<event_receiver>{new event_receiver{std::move(with), *std::move(transport), *std::move(inbox)}};
}

expected<std::vector<wire::event>> event_receiver::take(deadline until) {
  auto messages = from_->take(until);
  if (!messages) return fail(messages.error());
  std::vector<wire::event> out;
  for (auto const& m : *messages) {
    auto batch = event_mail::read(m, with_);
    if (!batch) {
      log::warning("an event cannot be read: " + batch.error().text());
      ++refused_;
      continue;
    }
    refused_ += batch->refused.size();
    for (auto const& why : batch->refused) log::warning("an event cannot be read: " + why.text());
    std::move(batch->events.begin(), batch->events.end(), std::back_inserter(out));
  }
  return out;
}

}  // namespace lovage::detail
