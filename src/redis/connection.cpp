#include "redis/connection.hpp"

#include <hiredis/read.h>

#include <array>
#include <charconv>

namespace lovage::redis {
namespace {

constexpr std::size_t largest_piece = 256 << 10;  // what a slow line carries well within a heartbeat

// hiredis builds the tree of a reply through these; a node knows its parent, which owns it.
reply* place(redisReadTask const* task, reply::kind kind) {
  if (task->parent == nullptr) {
    auto* root = new reply;
    root->type = kind;
    return root;
  }
  auto* parent = static_cast<reply*>(task->parent->obj);
  auto& slot = parent->items[static_cast<std::size_t>(task->idx)];
  slot.type = kind;
  return &slot;
}

void* make_string(redisReadTask const* task, char* text, std::size_t size) {
  auto const kind = task->type == REDIS_REPLY_ERROR    ? reply::kind::error
                    : task->type == REDIS_REPLY_STATUS ? reply::kind::status
                                                       : reply::kind::text;
  auto* r = place(task, kind);
  r->text.assign(text, size);
  return r;
}

template <class Count>
void* make_array(redisReadTask const* task, Count count) {
  auto* r = place(task, reply::kind::array);
  r->items.resize(static_cast<std::size_t>(count));
  return r;
}

void* make_integer(redisReadTask const* task, long long number) {
  auto* r = place(task, reply::kind::integer);
  r->integer = number;
  return r;
}

void* make_nil(redisReadTask const* task) { return place(task, reply::kind::nil); }
void free_root(void* r) { delete static_cast<reply*>(r); }

}  // namespace

struct connection::reader {
  redisReplyObjectFunctions functions{};
  std::unique_ptr<redisReader, decltype(&::redisReaderFree)> parser{nullptr, &::redisReaderFree};
  std::string fresh;

  reader() {
    functions.createString = &make_string;
    functions.createArray = &make_array;
    functions.createInteger = &make_integer;
    functions.createNil = &make_nil;
    functions.freeObject = &free_root;
    parser.reset(redisReaderCreateWithFunctions(&functions));
  }
  /// Nothing while the answer is not whole yet.
  expected<std::optional<reply>> next(std::string const& where) {
    void* made = nullptr;
    if (redisReaderGetReply(parser.get(), &made) != REDIS_OK)
      return fail(errc::unavailable, std::string{"not the protocol of Redis: "} + parser->errstr, where);
    if (made == nullptr) return std::optional<reply>{};
    std::unique_ptr<reply> const owner{static_cast<reply*>(made)};
    return std::optional{std::move(*owner)};
  }
};

connection::connection(endpoint to, std::unique_ptr<socket> over)
    : where_{std::move(to)}, socket_{std::move(over)}, reader_{std::make_unique<reader>()} {}
connection::~connection() = default;

expected<std::unique_ptr<connection>> connection::open(endpoint const& to, deadline until) {
  auto over = socket::connect(to, until);
  if (!over) return fail(over.error());
  std::unique_ptr<connection> out{new connection{to, *std::move(over)}};
  if (auto done = out->greet(until); !done) return fail(done.error());
  return out;
}

expected<void> connection::greet(deadline until) {
  commands c;
  if (!where_.user.empty()) {
    c.add({"AUTH", where_.user, where_.password});
  } else if (!where_.password.empty()) {
    c.add({"AUTH", where_.password});
  }
  if (where_.database != 0) c.add({"SELECT", std::to_string(where_.database)});
  c.add({"PING"});
  auto const said = run(c, until);
  if (!said) return fail(said.error());
  for (auto const& r : *said) {
    if (!r.is_error()) continue;
    auto why = to_error(r, where_.text());
    if (why.code == errc::internal) why.code = errc::bad_config;  // no such database, no password set there
    return fail(std::move(why));
  }
  return {};
}

expected<void> connection::send(commands const& what, deadline until) { return socket_->write(what.bytes(), until); }

expected<std::optional<reply>> connection::receive(deadline until, int wake) {
  for (;;) {
    auto r = reader_->next(where_.text());
    if (!r || *r) return r;
    reader_->fresh.clear();
    auto const came = socket_->read(reader_->fresh, until, wake);
    if (!came) return fail(came.error());
    if (!*came) return std::optional<reply>{};
    redisReaderFeed(reader_->parser.get(), reader_->fresh.data(), reader_->fresh.size());
  }
}

expected<std::vector<reply>> connection::run(commands const& what, deadline until, std::chrono::milliseconds silence) {
  auto const next = [&] { return silence.count() > 0 ? until.sooner(deadline::in(silence)) : until; };
  std::string_view left = what.bytes();
  while (!left.empty()) {
    auto const piece = left.substr(0, largest_piece);
    if (auto sent = socket_->write(piece, next()); !sent) return fail(sent.error());
    left.remove_prefix(piece.size());
  }
  std::vector<reply> out;
  out.reserve(what.count());
  while (out.size() < what.count()) {
    auto r = receive(next());
    if (!r) return fail(r.error());
    if (!*r) return fail(errc::timeout, "Redis did not answer in time", where_.text());
    out.push_back(**std::move(r));
  }
  return out;
}

namespace {

expected<endpoint> ask_sentinel(endpoints const& all, std::size_t which, deadline until) {
  auto sentinel = connection::open(all.servers[which], until);
  if (!sentinel) return fail(sentinel.error());
  commands c;
  c.add({"SENTINEL", "get-master-addr-by-name", all.master_name});
  auto const said = (*sentinel)->run(c, until);
  if (!said) return fail(said.error());
  auto const& r = said->front();
  if (r.is_error()) return fail(to_error(r, all.servers[which].text()));
  if (r.items.size() != 2)
    return fail(errc::unavailable, "the sentinel knows no master '" + all.master_name + "'; check master_name",
                all.servers[which].text());
  auto out = all.master;
  out.host = r.items[0].text;
  auto const& port = r.items[1].text;
  std::from_chars(port.data(), port.data() + port.size(), out.port);
  return out;
}

}  // namespace

expected<std::unique_ptr<connection>> open(endpoints const& all, std::size_t which, deadline until) {
  if (all.master_name.empty()) return connection::open(all.servers[which], until);
  auto const master = ask_sentinel(all, which, until);
  if (!master) return fail(master.error());
  auto made = connection::open(*master, until);
  if (!made) return fail(made.error());
  commands c;
  c.add({"ROLE"});
  auto const said = (*made)->run(c, until);
  if (!said) return fail(said.error());
  auto const& r = said->front();
  if (r.items.empty() || r.items[0].text != "master")
    return fail(errc::unavailable, "the sentinel named a server that is not the master yet", master->text());
  return made;
}

}  // namespace lovage::redis
