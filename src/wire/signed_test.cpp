#include "wire/signed.hpp"

#include "wire/base64.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

namespace lovage::wire {
namespace {

time_point const now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());

struct key_and_certificate {
  std::string key, certificate;
};

std::string text_of(BIO* bio) {
  char* data = nullptr;
  auto const size = BIO_get_mem_data(bio, &data);
  std::string out{data, static_cast<std::size_t>(size)};
  BIO_free(bio);
  return out;
}

key_and_certificate make_pair() {
  EVP_PKEY* const key = EVP_RSA_gen(2048);
  X509* const certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  for (auto const& [field, text] : {std::pair{"O", "Lovage"}, std::pair{"CN", "b\xc3\xa4r"}})
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<unsigned char const*>(text), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_sign(certificate, key, EVP_sha256());
  BIO* const key_text = BIO_new(BIO_s_mem());
  BIO* const certificate_text = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(certificate_text, certificate);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {text_of(key_text), text_of(certificate_text)};
}

class signed_messages : public testing::Test {
 protected:
  static void SetUpTestSuite() { pair = new key_and_certificate{make_pair()}; }
  static void TearDownTestSuite() { delete pair; }
  static key_and_certificate* pair;

  certificate_store store;
  std::string id = store.add_pem(pair->certificate, now).value();
  message_signer signer = message_signer::from_pem(pair->key, pair->certificate).value();
};
key_and_certificate* signed_messages::pair = nullptr;

TEST_F(signed_messages, name_the_signer_by_issuer_and_serial_number) {
  EXPECT_EQ(id, "Lovage b\xc3\xa4r 4711");
  EXPECT_EQ(signer.signer_id(), id);
}

TEST_F(signed_messages, are_read_in_both_layouts) {
  std::string const payload{"[[1], {}, {}] with \0\1 inside", 29};
  for (auto const layout : {signed_layout::celery_5_2, signed_layout::celery_5_5}) {
    auto const body = signer.sign("application/json", "utf-8", payload, layout);
    ASSERT_TRUE(body) << body.error().text();
    auto const opened = store.verify(*body);
    ASSERT_TRUE(opened) << opened.error().text();
    EXPECT_EQ(opened->data, payload);
    EXPECT_EQ(opened->content_type, "application/json");
    EXPECT_EQ(opened->signer, id);
  }
}

TEST_F(signed_messages, are_refused_when_one_octet_differs) {
  auto raw =
      from_base64(signer.sign("application/json", "utf-8", "payload", signed_layout::celery_5_2).value()).value();
  for (auto const at : {raw.size() - 1, id.size() + 10}) {
    auto changed = raw;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_EQ(store.verify(to_base64(changed)).error().code, errc::not_accepted);
  }
  EXPECT_EQ(store.verify("!").error().code, errc::decode);
  EXPECT_EQ(store.verify("").error().code, errc::decode);
  EXPECT_EQ(certificate_store{}.verify(to_base64(raw)).error().code, errc::not_accepted);
}

TEST_F(signed_messages, are_compressed_after_signing) {
  envelope e;
  e.content_type = "application/json";
  e.content_encoding = "utf-8";
  e.headers = {{"task", "t"}};
  e.body = "[[], {}, {}]";
  auto const sealed = seal(e, signer, signed_layout::celery_5_5, "zlib");
  ASSERT_TRUE(sealed) << sealed.error().text();
  EXPECT_EQ(sealed->content_type, signed_content_type);
  EXPECT_EQ(open_signed(*sealed, store).value(), e);
  EXPECT_EQ(open_signed(e, store).error().code, errc::not_accepted);
  EXPECT_EQ(seal(*sealed, signer, signed_layout::celery_5_5).error().code, errc::invalid_argument);
}

TEST_F(signed_messages, need_sound_keys_and_certificates) {
  EXPECT_EQ(store.add_pem("text", now).error().code, errc::bad_config);
  EXPECT_EQ(store.add_pem(pair->certificate, now + std::chrono::hours{2}).error().code, errc::bad_config);
  EXPECT_EQ(message_signer::from_pem("text", pair->certificate).error().where, "security_key");
  EXPECT_EQ(message_signer::from_pem(pair->key, "text").error().where, "security_certificate");
  EXPECT_EQ(message_signer::from_pem(pair->key, pair->certificate, "md99").error().where, "security_digest");
  EXPECT_EQ(message_signer::from_pem(pair->key, make_pair().certificate).error().where, "security_key");
}

}  // namespace
}  // namespace lovage::wire
