#include "loadgen/histogram.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "platform/base/random.h"

namespace florin::loadgen {
namespace {

TEST(Histogram, PercentilesAreWithinTheirErrorOfTheTruth) {
    Random random(7);
    Histogram histogram;
    std::vector<std::int64_t> values;
    for (int i = 0; i < 100'000; ++i) {
        values.push_back(static_cast<std::int64_t>(std::exp(random.unit() * 18)));
        histogram.record(values.back());
    }
    std::ranges::sort(values);
    for (const double fraction : {0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto rank = static_cast<std::size_t>(std::ceil(fraction * 100'000)) - 1;
        const auto truth = static_cast<double>(values[rank]);
        EXPECT_NEAR(static_cast<double>(histogram.percentile(fraction)), truth, truth / 500 + 1)
            << fraction;
    }
    EXPECT_EQ(histogram.max(), values.back());
}

TEST(Histogram, IsEmptyAtFirstAndKeepsItsBounds) {
    Histogram histogram;
    EXPECT_EQ(histogram.percentile(0.99), 0);
    histogram.record(-5);
    histogram.record(INT64_MAX);
    EXPECT_EQ(histogram.percentile(0.5), 0);
    EXPECT_EQ(histogram.max(), 3'600'000'000);
}

}  // namespace
}  // namespace florin::loadgen
