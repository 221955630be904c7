// usage: bare_rabbitmq PORT QUEUE COUNT [ACK_EVERY]
// Consumes COUNT messages with a prefetch of 256 and acknowledges them, one by one or ACK_EVERY at once, with
// librabbitmq and nothing else. Prints seconds=..., from the first message to the last.
#include <amqp.h>
#include <amqp_tcp_socket.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

constexpr amqp_channel_t channel = 1;

void check(amqp_rpc_reply_t const& reply, char const* what) {
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) throw std::runtime_error{what};
}

amqp_connection_state_t connect(int port) {
  auto* connection = amqp_new_connection();
  auto* socket = amqp_tcp_socket_new(connection);
  if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK) throw std::runtime_error{"no connection"};
  check(amqp_login(connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"), "login");
  amqp_channel_open(connection, channel);
  check(amqp_get_rpc_reply(connection), "channel");
  return connection;
}

void consume(amqp_connection_state_t connection, char const* queue) {
  amqp_basic_qos(connection, channel, 0, 256, 0);
  check(amqp_get_rpc_reply(connection), "prefetch");
  amqp_basic_consume(connection, channel, amqp_cstring_bytes(queue), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  check(amqp_get_rpc_reply(connection), "consume");
}

double drain(amqp_connection_state_t connection, long count, long every) {
  using clock = std::chrono::steady_clock;
  clock::time_point start;
  for (long got = 1; got <= count; ++got) {
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(connection);
    check(amqp_consume_message(connection, &envelope, nullptr, 0), "message");
    if (got == 1) start = clock::now();
    if (got % every == 0 || got == count) amqp_basic_ack(connection, channel, envelope.delivery_tag, every > 1);
    amqp_destroy_envelope(&envelope);
  }
  return std::chrono::duration<double>(clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4) return std::fputs("usage: see bare_rabbitmq.cpp\n", stderr), 2;
  auto* connection = connect(std::atoi(argv[1]));
  consume(connection, argv[2]);
  std::printf("seconds=%.6f\n", drain(connection, std::atol(argv[3]), argc > 4 ? std::atol(argv[4]) : 1));
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
  return 0;
} catch (std::exception const& e) {
  std::fprintf(stderr, "bare_rabbitmq: %s\n", e.what());
  return 1;
}
