/* SPDX-License-Identifier: MIT */
/*
 * Tests of the hashes, ciphers and checksums against the vectors of their specifications, and that
 * data in pieces gives the same result as at once.
 */
#include <lib/blake2s.h>
#include <lib/chacha20.h>
#include <lib/crc32.h>
#include <lib/hash.h>
#include <lib/ktest.h>
#include <lib/printf.h>
#include <lib/sha256.h>

static void expect_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	char text[130];

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	KEXPECT_STREQ(text, hex);
}

static void counting_bytes(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)i;
}

KTEST(sha256, fips_vectors)
{
	uint8_t digest[SHA256_BYTES];
	const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

	sha256("abc", 3, digest);
	expect_hex(digest, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256("", 0, digest);
	expect_hex(digest, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256(two, 56, digest);
	expect_hex(digest, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

KTEST(sha256, pieces)
{
	uint8_t data[300], whole[SHA256_BYTES], parts[SHA256_BYTES];

	counting_bytes(data, sizeof(data));
	for (size_t len = 0; len < sizeof(data); len += 7) {
		struct sha256 ctx;

		sha256(data, len, whole);
		sha256_init(&ctx);
		sha256_update(&ctx, data, len / 3);
		sha256_update(&ctx, data + len / 3, len - len / 3);
		sha256_final(&ctx, parts);
		KEXPECT_MEMEQ(whole, parts, sizeof(whole));
	}
}

KTEST(chacha20, rfc8439_vectors)
{
	static const char plain[] =
		"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
		"the future, sunscreen would be it.";
	uint8_t key[32], nonce[12] = { 0, 0, 0, 9, 0, 0, 0, 0x4a }, out[128];
	struct chacha20 ctx;

	counting_bytes(key, sizeof(key));
	chacha20_init(&ctx, key, nonce, 1);
	chacha20_block(&ctx, out);
	expect_hex(out, 64, "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
			    "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
	nonce[3] = 0;
	chacha20_init(&ctx, key, nonce, 1);
	chacha20_xor(&ctx, out, (const uint8_t *)plain, 114);
	expect_hex(out, 32, "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b");
	chacha20_init(&ctx, key, nonce, 1);
	chacha20_xor(&ctx, out, out, 114);
	KEXPECT_MEMEQ(out, plain, 114);
}

KTEST(blake2s, rfc7693_vectors)
{
	uint8_t digest[32], key[32], data[200], parts[32];
	struct blake2s ctx;

	blake2s_init(&ctx, 32, NULL, 0);
	blake2s_update(&ctx, "abc", 3);
	blake2s_final(&ctx, digest);
	expect_hex(digest, 32, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
	counting_bytes(key, sizeof(key));
	blake2s_init(&ctx, 32, key, 32);
	blake2s_final(&ctx, digest);
	expect_hex(digest, 32, "48a8997da407876b3d79c0d92325ad3b89cbb754d86ab71aee047ad345fd2c49");
	counting_bytes(data, sizeof(data));
	for (size_t len = 0; len < sizeof(data); len++) {
		blake2s_init(&ctx, 32, key, 32);
		blake2s_update(&ctx, data, len);
		blake2s_final(&ctx, digest);
		blake2s_init(&ctx, 32, key, 32);
		blake2s_update(&ctx, data, len / 2);
		blake2s_update(&ctx, data + len / 2, len - len / 2);
		blake2s_final(&ctx, parts);
		KEXPECT_MEMEQ(digest, parts, sizeof(parts));
	}
}

KTEST(hash, siphash_vectors)
{
	struct siphash_key key = { { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL } };
	uint8_t data[64];

	counting_bytes(data, sizeof(data));
	KEXPECT_EQ(siphash24(data, 0, &key), 0x726fdb47dd0e0e31ULL);
	KEXPECT_EQ(siphash24(data, 8, &key), 0x93f5f5799a932462ULL);
	KEXPECT_EQ(siphash24(data, 15, &key), 0xa129ca6149be45e5ULL);
	KEXPECT_NE(siphash13(data, 15, &key), siphash24(data, 15, &key));
	KEXPECT_EQ(halfsiphash24(data, 0, 0x0706050403020100ULL), 0x5b9f35a9U);
	KEXPECT_EQ(halfsiphash24(data, 1, 0x0706050403020100ULL), 0xb85a4727U);
}

KTEST(hash, bytes_spread)
{
	uint8_t data[40];
	uint32_t used[8] = { 0 };

	counting_bytes(data, sizeof(data));
	for (size_t len = 0; len < sizeof(data); len++) {
		uint64_t h = hash_bytes(data, len, 1);

		KEXPECT_EQ(h, hash_bytes(data, len, 1));
		KEXPECT_NE(h, hash_bytes(data, len, 2));
		if (len)
			KEXPECT_NE(h, hash_bytes(data, len - 1, 1));
	}
	for (uint64_t i = 0; i < 256; i++)
		used[hash_bucket(i * 4096, 8) / 32] |= 1U << (hash_bucket(i * 4096, 8) % 32);
	for (int i = 0; i < 8; i++)
		KEXPECT_NE(used[i], 0);
}

KTEST(crc, check_values)
{
	uint8_t data[100];

	KEXPECT_EQ(crc32(0, "123456789", 9), 0xcbf43926U);
	KEXPECT_EQ(crc32c(0, "123456789", 9), 0xe3069283U);
	KEXPECT_EQ(crc16(0, "123456789", 9), 0xbb3d);
	KEXPECT_EQ(crc32c_raw(~0U, "123456789", 9), ~0xe3069283U);
	counting_bytes(data, sizeof(data));
	for (size_t cut = 0; cut <= sizeof(data); cut++)
		KEXPECT_EQ(crc32(crc32(0, data, cut), data + cut, sizeof(data) - cut),
			   crc32(0, data, sizeof(data)));
}
