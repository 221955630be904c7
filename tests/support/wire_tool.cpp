// The wire layer as a filter, for tests that set another implementation beside it.
//
//     wire_tool encode SERIALIZER COMPRESSION plain|typed   one JSON text [args, kwargs] a line -> a kombu envelope a
//     line wire_tool decode                                      a kombu envelope a line -> typed JSON [args, kwargs,
//     embed]
//
// COMPRESSION may be "none". Errors are written as a line that begins with "error: ".
#include "wire/kombu_envelope.hpp"
#include "wire/serializer.hpp"
#include "wire/task_message.hpp"

#include <iostream>
#include <string>

using namespace lovage;

namespace {

expected<std::string> encode(std::string const& line, wire::encode_options const& options) {
  auto input = wire::from_json(line);
  if (!input) return fail(input.error());
  auto* parts = input->get_if<value::list>();
  wire::task_message message;
  message.task = "peer.echo";
  message.id = task_id{"00000000-0000-4000-8000-000000000001"};
  message.root_id = message.id.str();
  message.eta = datetime{1'893'553'445'000'250, 0};
  message.soft_limit_s = 1.5;
  message.retries = 2;
  message.origin = "lovage";
  message.extra_headers = {{"tenant", "acme"}};
  message.args = std::move(*parts->at(0).get_if<value::list>());
  message.kwargs = std::move(*parts->at(1).get_if<value::map>());
  message.argsrepr = wire::args_repr(message.args);
  message.kwargsrepr = wire::kwargs_repr(message.kwargs);
  message.properties.priority = 3;
  message.properties.reply_to = "peer";
  auto envelope = wire::encode_task(std::move(message), options);
  if (!envelope) return fail(envelope.error());
  return wire::to_kombu_json(std::move(*envelope), {"", "celery", "tag"});
}

expected<std::string> decode(std::string const& line) {
  auto read = wire::from_kombu_json(line);
  if (!read) return fail(read.error());
  auto message = wire::decode_task(read->message, {{"json", "msgpack", "yaml"}});
  if (!message) return fail(message.error());
  value::map embed{{"callbacks", std::move(message->embed.callbacks)}, {"chord", std::move(message->embed.chord)}};
  value::list out{std::move(message->args), std::move(message->kwargs), std::move(embed)};
  return wire::to_json(value{std::move(out)}, {.typed = true});
}

int run(int argc, char** argv) {
  std::string const command = argc > 1 ? argv[1] : "";
  bool const encoding = command == "encode" && argc == 5;
  if (!encoding && (command != "decode" || argc != 2)) {
    std::cerr << "usage: wire_tool encode SERIALIZER COMPRESSION plain|typed | wire_tool decode\n";
    return 2;
  }
  wire::encode_options options;
  if (encoding) {
    options.serializer = argv[2];
    options.compression = std::string{argv[3]} == "none" ? "" : argv[3];
    options.typed_json = std::string{argv[4]} == "typed";
  }
  for (std::string line; std::getline(std::cin, line);) {
    auto const out = encoding ? encode(line, options) : decode(line);
    std::cout << (out ? *out : "error: " + out.error().text()) << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
