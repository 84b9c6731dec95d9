// Package cudatest runs the tests of CUDA code without a GPU. A test package calls Main from its TestMain:
//
//	func TestMain(m *testing.M) { cudatest.Main(m) }
//
// Main starts the test binary anew with LONGTAIL_CUDA_DRIVER naming the checked build of the driver emulator, bin/libcuda_emulator.so,
// which `make emulator` makes. A LONGTAIL_CUDA_DRIVER that is set is kept; LONGTAIL_TEST_DEVICE=gpu runs the tests on the machine's GPU.
// Where neither CUDA nor the emulator was built, Main says loudly that the tests are left out; with CI=true that is a failure. An emulator
// that is older than its sources is a failure everywhere.
package cudatest
