// The tables of django-celery-results, made as its migrations make them: by release 2.4 on PostgreSQL, 2.6 on SQLite.
#include "backend/django/django_backend.hpp"
#include "backend_conformance.hpp"
#include "postgres_server.hpp"
#include "sql/open.hpp"
#include "store_place.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace lovage::backend {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::store_place;

constexpr auto made_on_sqlite = R"(
CREATE TABLE "django_celery_results_chordcounter" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "sub_tasks" text NOT NULL,
  "count" integer unsigned NOT NULL CHECK ("count" >= 0), "group_id" varchar(255) NOT NULL UNIQUE);
CREATE TABLE "django_celery_results_groupresult" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "group_id" varchar(255) NOT NULL UNIQUE, "date_created" datetime NOT NULL, "date_done" datetime NOT NULL,
  "content_type" varchar(128) NOT NULL, "content_encoding" varchar(64) NOT NULL, "result" text NULL);
CREATE TABLE "django_celery_results_taskresult" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
  "task_id" varchar(255) NOT NULL UNIQUE, "status" varchar(50) NOT NULL, "content_type" varchar(128) NOT NULL,
  "content_encoding" varchar(64) NOT NULL, "result" text NULL, "date_done" datetime NOT NULL, "traceback" text NULL,
  "meta" text NULL, "task_args" text NULL, "task_kwargs" text NULL, "task_name" varchar(255) NULL,
  "worker" varchar(100) NULL, "date_created" datetime NOT NULL, "periodic_task_name" varchar(255) NULL,
  "date_started" datetime NULL);
CREATE INDEX "django_cele_date_do_f59aad_idx" ON "django_celery_results_taskresult" ("date_done");
)";

constexpr auto made_on_postgres = R"(
CREATE TABLE "django_celery_results_taskresult" ("id" serial NOT NULL PRIMARY KEY, "task_id" varchar(255) NOT NULL UNIQUE,
  "periodic_task_name" varchar(255) NULL, "task_name" varchar(255) NULL, "task_args" text NULL, "task_kwargs" text NULL,
  "status" varchar(50) NOT NULL, "worker" varchar(100) NULL, "content_type" varchar(128) NOT NULL,
  "content_encoding" varchar(64) NOT NULL, "result" text NULL, "date_created" timestamp with time zone NOT NULL,
  "date_done" timestamp with time zone NOT NULL, "traceback" text NULL, "meta" text NULL);
CREATE TABLE "django_celery_results_chordcounter" ("id" serial NOT NULL PRIMARY KEY,
  "group_id" varchar(255) NOT NULL UNIQUE, "sub_tasks" text NOT NULL, "count" integer NOT NULL CHECK ("count" >= 0));
CREATE TABLE "django_celery_results_groupresult" ("id" serial NOT NULL PRIMARY KEY,
  "group_id" varchar(255) NOT NULL UNIQUE, "date_created" timestamp with time zone NOT NULL,
  "date_done" timestamp with time zone NOT NULL, "content_type" varchar(128) NOT NULL,
  "content_encoding" varchar(64) NOT NULL, "result" text NULL);
)";

std::shared_ptr<result_backend> with_tables(std::string const& url, char const* ddl, now_fn now) {
  sql::open(url, 10s).value()->script(ddl, 10s).value();
  return make_django_backend(at("django-db+" + url, std::move(now)), 10s).value();
}

opened_backend django_on_sqlite(now_fn now) {
  struct placed {
    store_place place;
    std::shared_ptr<result_backend> on;
  };
  auto const made = std::make_shared<placed>();
  made->on = with_tables(made->place.url(), made_on_sqlite, std::move(now));
  return {{made, made->on.get()}};
}

auto const django_drivers = ::testing::Values(
    conformance_driver{"django sqlite", django_on_sqlite},
    conformance_driver{"django postgresql", [](now_fn now) {
                         return opened_backend{with_tables(testing::shared_postgres().fresh_database(),
                                                           made_on_postgres, std::move(now))};
                       }});
INSTANTIATE_TEST_SUITE_P(Django, BackendConformance, django_drivers);
INSTANTIATE_TEST_SUITE_P(Django, BackendChords, django_drivers);
INSTANTIATE_TEST_SUITE_P(Django, BackendRuns, django_drivers);

TEST(DjangoBackend, says_what_makes_the_tables_that_are_missing) {
  store_place const place;
  auto const on = make_django_backend(at("django-db+" + place.url()), 10s).value();
  auto const why = on->fetch(std::vector{task_id{"a"}}, 10s).error();
  EXPECT_EQ(why.code, errc::bad_config);
  EXPECT_THAT(why.text(), HasSubstr("python manage.py migrate"));
}

TEST(DjangoBackend, takes_its_database_from_the_setting_or_the_environment) {
  store_place const place;
  ::unsetenv("DATABASE_URL");
  EXPECT_THAT(make_django_backend(at("django-db://"), 10s).error().text(), HasSubstr("django_database_url"));
  auto with = at("django-db://");
  with.django_database = place.url();
  EXPECT_TRUE(make_django_backend(with, 10s));
  ::setenv("DATABASE_URL", place.url().c_str(), 1);
  EXPECT_TRUE(make_django_backend(at("django-db://"), 10s));
  ::unsetenv("DATABASE_URL");
}

}  // namespace
}  // namespace lovage::backend
