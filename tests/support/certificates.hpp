// Keys and certificates of a test's own, made by the openssl program.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace lovage::testing {

/// Two authorities, "ca" and "stranger", and for "localhost" (and 127.0.0.1) a certificate "server" and a certificate
/// "client", both signed by "ca". Each is `<name>.pem` with its key in `<name>.key`.
class certificates {
 public:
  explicit certificates(std::filesystem::path in) : directory_{std::move(in)} {
    for (std::string const name : {"ca", "stranger"})
      run("req -x509 " + key(name) + " -subj /CN=" + name + " -days 2 -out " + file(name + ".pem"));
    for (std::string const name : {"server", "client"}) {
      run("req " + key(name) + " -subj /CN=" + name + " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -out " +
          file(name + ".csr"));
      run("x509 -req -copy_extensions copy -in " + file(name + ".csr") + " -CA " + file("ca.pem") + " -CAkey " +
          file("ca.key") + " -CAcreateserial -days 2 -out " + file(name + ".pem"));
    }
  }
  [[nodiscard]] std::string file(std::string const& name) const { return (directory_ / name).string(); }

 private:
  [[nodiscard]] std::string key(std::string const& name) const {
    return "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout " + file(name + ".key");
  }
  static void run(std::string const& what) {
    if (std::system(("openssl " + what + " >/dev/null 2>&1").c_str()) != 0) throw std::runtime_error{"openssl " + what};
  }
  std::filesystem::path const directory_;
};

}  // namespace lovage::testing
