// Answers remote control: takes requests from the node's mailbox, runs their commands, replies.
//
//   inbox --> is it for us? --> run_command --> producer
//
// A thread of its own, so that it answers while tasks run, while the broker of tasks is slow, and during a warm
// shutdown.
#pragma once

#include "app/mailbox.hpp"
#include "worker/node.hpp"

#include <lovage/deadline.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace lovage::work {

/// *Threads*: `start` and `stop` belong to one thread. *Lifetime*: what the node refers to outlives `stop`.
class control_server {
 public:
  explicit control_server(node on);
  ~control_server();
  control_server(control_server const&) = delete;
  control_server& operator=(control_server const&) = delete;

  /// Returns when it listens, or at the deadline: then it goes on trying by itself. Does nothing where the broker has
  /// no mailboxes.
  void start(deadline until);
  /// Waits for a command that runs. May come first, may come twice.
  void stop();

 private:
  void run();
  [[nodiscard]] expected<void> listen(deadline until);
  void serve();
  void handle(wire::envelope const& message);
  void reply(wire::control_request const& to, value payload);
  [[nodiscard]] bool pause(std::chrono::milliseconds time);

  node node_;
  control_mail::settings const mail_;
  std::shared_ptr<broker::transport> transport_;
  std::shared_ptr<broker::producer> producer_;
  std::thread thread_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::unique_ptr<broker::inbox> inbox_;
  bool decided_ = false;  ///< it listens, or has failed once
  bool stop_ = false;
};

}  // namespace lovage::work
