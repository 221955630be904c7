#include "broker_redis_fixture.hpp"

#include <sstream>

namespace lovage::broker {

using lovage::redis::client;
using lovage::redis::commands;
using lovage::redis::reply;

reply ask(std::string const& url, std::vector<std::string_view> const& words, lovage::redis::repeat again) {
  commands c;
  c.add(words);
  return client::make(at(url).connection).value()->run(c, again, 20s).value().front();
}

settings RedisBroker::here(value::map options, int database) const {
  auto with = at(server_.url(database));
  with.connection.options = std::move(options);
  return with;
}

void RedisBroker::open(settings with) {
  producer_.reset();
  on_ = make(std::move(with));
  producer_ = on_->make_producer(10s).value();
}

std::set<std::string> RedisBroker::keys(int database) const {
  std::set<std::string> out;
  for (auto const& key : ask({"KEYS", "*"}, database).items) out.insert(key.text);
  return out;
}

std::set<std::string> RedisBroker::lasting_keys() const {
  std::set<std::string> out;
  for (auto const& key : keys())
    if (number({"TTL", key}) == -1) out.insert(key);
  return out;
}

std::map<std::string, int> RedisBroker::calls() const {
  static constexpr std::string_view start = "cmdstat_", count = ":calls=";
  std::map<std::string, int> out;
  std::istringstream lines{ask({"INFO", "commandstats"}).text};
  for (std::string line; std::getline(lines, line);) {
    auto const at = line.find(count);
    if (line.rfind(start, 0) == 0 && at != std::string::npos)
      out[line.substr(start.size(), at - start.size())] = std::stoi(line.substr(at + count.size()));
  }
  return out;
}

void RedisBroker::configure(std::string const& name, std::string const& value) const {
  ASSERT_EQ(ask({"CONFIG", "SET", name, value}).text, "OK");
}

}  // namespace lovage::broker
