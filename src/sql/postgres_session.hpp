// A connection to PostgreSQL over libpq, which never blocks: every wait is ours and ends at its deadline.
//
//   connect --> idle --run, run_each, exchange: pipeline of prepared statements, one round trip--> idle
//                 |   \--script: simple protocol--> idle
//                 +--deadline passed, connection lost--> dead
#pragma once

#include "sql/postgres_data.hpp"
#include "sql/session.hpp"

#include <functional>
#include <unordered_map>

struct pg_conn;

namespace lovage::sql {

struct postgres_notification {
  std::string channel, payload;
};

/// One statement of a pipeline: `$1`, `$2`, ... stand for its values. The text is kept, prepared.
struct postgres_call {
  std::string_view text;
  postgres_values values = {};
  bool ends = false;  ///< the transaction of a pipeline outside others; what follows is one of its own
};

class postgres_session final : public session {
 public:
  /// `postgresql://user:password@host:port/database?option=value`, with libpq's options; also as SQLAlchemy writes it:
  /// `postgres://`, `pgsql://`, `postgresql+driver://`, `db+postgresql://`. Names are resolved before the deadline
  /// counts.
  [[nodiscard]] static expected<std::unique_ptr<postgres_session>> open(std::string_view url, deadline until);
  ~postgres_session() override;
  postgres_session(postgres_session const&) = delete;
  postgres_session& operator=(postgres_session const&) = delete;

  [[nodiscard]] dialect kind() const noexcept override { return dialect::postgres; }
  [[nodiscard]] bool alive() const noexcept override { return on_ != nullptr; }
  [[nodiscard]] expected<result> run(std::string_view text, std::span<cell const> values, deadline until) override;
  [[nodiscard]] expected<std::uint64_t> run_each(std::string_view text, std::span<row const> sets,
                                                 deadline until) override;
  [[nodiscard]] expected<void> script(std::string_view statements, deadline until) override;
  [[nodiscard]] expected<void> begin(deadline until) override { return script("BEGIN", until); }
  [[nodiscard]] expected<void> commit(deadline until) override { return script("COMMIT", until); }
  void rollback(deadline until) noexcept override;

  /// All of them in one round trip, in turn; what each gave, in binary form. Outside a transaction: all or none, but
  /// for `postgres_call::ends`; after an error what each gave is not told.
  [[nodiscard]] expected<std::vector<postgres_rows>> exchange(std::span<postgres_call const> calls, deadline until);
  [[nodiscard]] expected<postgres_rows> exchange_one(postgres_call const& call, deadline until);

  /// From now on what is notified on this channel is kept for `notified`.
  [[nodiscard]] expected<void> listen(std::string_view channel, deadline until);
  [[nodiscard]] expected<void> unlisten(std::string_view channel, deadline until);
  /// What has come; reads what lies in the socket and does not wait.
  [[nodiscard]] expected<std::vector<postgres_notification>> notified();
  /// Waits for at least one; empty at the deadline, or when `wake` (a descriptor) became readable.
  [[nodiscard]] expected<std::vector<postgres_notification>> wait_notified(deadline until, int wake = -1);
  /// Reads what lies in the socket; false when the connection is found lost.
  [[nodiscard]] bool peek();
  /// Readable when there is something to read: to wait outside, then call `notified`. -1 when dead.
  [[nodiscard]] int descriptor() const noexcept;
  /// 150004 for 15.4.
  [[nodiscard]] int server_version() const noexcept;

 private:
  struct statement {
    std::string name;
    bool prepared = false;
  };
  struct wire_values;
  using on_result = std::function<void(pg_result* of)>;  ///< which is its own then

  explicit postgres_session(std::string where) : where_{std::move(where)} {}
  [[nodiscard]] expected<void> connect(std::string const& url, deadline until);
  [[nodiscard]] statement& statement_of(char how, std::string_view text);
  [[nodiscard]] expected<void> enter_pipeline();
  [[nodiscard]] expected<void> send(statement& to, std::string_view text, wire_values const& v, int result_format);
  [[nodiscard]] expected<void> run_sets(std::string_view text, std::span<std::span<cell const> const> sets,
                                        on_result const& each, deadline until);
  [[nodiscard]] expected<void> send_sync();
  [[nodiscard]] expected<void> finish_pipeline(on_result const& each, deadline until);
  [[nodiscard]] expected<void> wait_for_result(deadline until);
  [[nodiscard]] failure failed(pg_result const* of);
  [[nodiscard]] failure lost(errc why, std::string detail);
  [[nodiscard]] failure broken();
  void read_notifications();
  void end() noexcept;

  std::string const where_;
  pg_conn* on_ = nullptr;
  std::unordered_map<std::string, statement> statements_;
  std::size_t named_ = 0;
  std::vector<statement*> preparing_;  ///< by the running pipeline
  std::vector<bool> answers_;          ///< of what it sent, which give rows
  int syncs_ = 0;                      ///< of the running pipeline, still to come
  std::vector<postgres_notification> notified_;
};

/// The address as libpq takes it: its scheme is `postgresql`. Error `bad_config` for all others.
[[nodiscard]] expected<std::string> postgres_address(std::string_view url);

}  // namespace lovage::sql
