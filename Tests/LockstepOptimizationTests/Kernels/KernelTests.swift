import CLockstepKernels
import LockstepEngine
import Testing

/// Odd lengths, below and around one vector and several.
private let lengths = [0, 1, 2, 7, 15, 16, 17, 31, 33, 63, 100, 1023]

/// What a kernel is run on, and all of it afterwards.
private struct Memory: Equatable {
  var arrays: [[UInt32]] = []
  var doubles: [UInt64] = []
}

/// The sets that this processor can run.
private let sets = InstructionSet.allCases.filter { $0 <= .detected }

@Suite struct KernelTests {
  /// Runs `body` on fresh arrays under every instruction set and compares everything it touched.
  private func expectEqualBits(
    _ name: String,
    _ body: (
      lockstep_update_kernels, _ n: Int, [UnsafeMutablePointer<Float>],
      UnsafeMutablePointer<Double>
    ) -> Void
  ) {
    for n in lengths {
      var results: [Memory] = []
      for set in sets {
        var generator = FixedGenerator(seed: UInt64(n) + 99)
        // Second moments are not negative; a spread of magnitudes shows lost roundings.
        let arrays = (0..<6).map { which in
          let arena = Arena<Float>(count: n + 3)
          for i in arena.buffer.indices {
            let value = Float.random(in: -1...1, using: &generator)
            let spread = value * Float(1 << Int.random(in: 0..<12, using: &generator))
            arena.buffer[i] = which >= 3 ? spread.magnitude : spread
          }
          return arena
        }
        let doubles = Arena<Double>(count: n + 3)
        body(
          lockstep_update_kernels_for(lockstep_isa(rawValue: set.rawValue)).pointee, n,
          arrays.map(\.base), doubles.base)
        results.append(
          Memory(
            arrays: arrays.map { $0.buffer.map(\.bitPattern) },
            doubles: doubles.buffer.map(\.bitPattern)))
      }
      for result in results.dropFirst() {
        // The arrays themselves would drown the message.
        let isEqual = result == results[0]
        #expect(isEqual, "\(name), \(n) values")
      }
    }
  }

  private static let adam = lockstep_adam(
    one_minus_beta1: 0.1, beta2: 0.999, one_minus_beta2: 0.001, numerator: 1.7,
    denominator: 3.3, epsilon: 1e-8, plain: 0)

  @Test func directionsHaveTheSameBitsOnAllInstructionSets() {
    expectEqualBits("adam") { k, n, a, _ in
      var c = Self.adam
      k.adam(a[0], a[1], a[2], a[3], nil, &c, n)
    }
    expectEqualBits("amsgrad") { k, n, a, _ in
      var c = Self.adam
      k.adam(a[0], a[1], a[2], a[3], a[4], &c, n)
    }
    expectEqualBits("nadam") { k, n, a, _ in
      var c = lockstep_nadam(
        one_minus_beta1: 0.1, beta2: 0.99, one_minus_beta2: 0.01, gradient: 0.7, moment: 1.3,
        denominator: 2.1, epsilon: 1e-8)
      k.nadam(a[0], a[1], a[2], a[3], &c, n)
    }
    expectEqualBits("rms") { k, n, a, _ in
      for inside in [Int32(0), 1] {
        var c = lockstep_rms(alpha: 0.9, one_minus_alpha: 0.1, epsilon: 1e-7, inside: inside)
        k.rms(a[0], a[1], a[3], nil, &c, n)
        k.rms(a[0], a[1], a[4], a[2], &c, n)
      }
    }
    expectEqualBits("adagrad") { k, n, a, _ in
      k.adagrad(a[0], a[1], a[3], 0.7, 1e-7, 0, n)
      k.adagrad(a[2], a[0], a[3], 0.7, 1e-7, 1, n)
    }
    expectEqualBits("adadelta") { k, n, a, _ in
      k.adadelta(a[0], a[1], a[3], a[4], 0.9, 0.1, 1e-6, n)
    }
    expectEqualBits("lion") { k, n, a, _ in k.lion(a[0], a[1], a[2], 0.1, 0.01, n) }
    expectEqualBits("sign") { k, n, a, _ in k.sign(a[0], a[1], n) }
    expectEqualBits("ademamix") { k, n, a, _ in
      var c = lockstep_ademamix(
        one_minus_beta1: 0.1, beta2: 0.99, one_minus_beta2: 0.01, one_minus_beta3: 0.001,
        fast: 1.3, slow: 2.5, denominator: 2.1, epsilon: 1e-8)
      k.ademamix(a[0], a[1], a[2], a[3], a[4], &c, n)
    }
    expectEqualBits("momentum") { k, n, a, _ in
      for nesterov in [Int32(0), 1] {
        var c = lockstep_momentum(momentum: 0.9, gain: 0.7, active: 1, nesterov: nesterov)
        k.momentum(a[0], a[1], a[2], &c, n)
      }
    }
  }

  @Test func elementwiseKernelsHaveTheSameBitsOnAllInstructionSets() {
    expectEqualBits("scale, add, subtract") { k, n, a, _ in
      k.scale(a[0], a[1], 0.3, n)
      k.add_scaled(a[2], a[0], a[1], 0.7, n)
      k.subtract(a[3], a[2], n)
      k.subtract_scaled(a[4], a[2], 0.01, n)
      k.multiply(a[5], a[0], n)
    }
    expectEqualBits("limit") { k, n, a, d in
      d[0] = Double(k.limit(a[0], a[1], 0.1, 0.4, n))
    }
  }

  @Test func fusedStepsHaveTheSameBitsOnAllInstructionSets() {
    for flags in 0..<4 {
      var f = lockstep_fused_step(
        scale: 0.37, coupled: 0.03, decoupled: 0.01, rate: 0.02,
        has_coupled: Int32(flags & 1), has_decoupled: Int32(flags >> 1))
      expectEqualBits("adam step") { k, n, a, _ in
        var c = Self.adam
        k.adam_step(a[0], a[1], a[2], a[3], &c, &f, n)
      }
      for kind in 0..<3 {
        expectEqualBits("momentum step") { k, n, a, _ in
          var c = lockstep_momentum(
            momentum: 0.9, gain: 0.7, active: kind > 0 ? 1 : 0, nesterov: kind > 1 ? 1 : 0)
          k.momentum_step(a[0], a[1], a[2], &c, &f, n)
        }
      }
    }
  }

  @Test func sumsHaveTheSameBitsOnAllInstructionSets() {
    expectEqualBits("sums") { k, n, a, d in
      for power in 1...8 {
        let sum = k.sum_of_powers(a[0], Int32(power), n)
        k.accumulate_squares(d, a[1], n)
        if n > 0 { d[0] += sum }
      }
      d[n] = k.largest_magnitude(a[0], n)
      k.unit_squares(d, a[2], 7, n / 7)
    }
  }

  @Test func matrixKernelsHaveTheSameBitsAndAreTheirDefinitions() {
    expectEqualBits("matrix products") { k, n, a, d in
      for i in 0..<n { d[i] = Double(a[3][i]) / 7 }
      k.accumulate_scaled(d, a[0], 0.3, n)
      let columns = max(n / 5, 1)
      let out = Arena<Double>(count: 5)
      k.matrix_vector(out.base, a[1], d, n < 5 ? 0 : 5, columns)
      if n >= 5 { for row in 0..<5 { d[row] = out.base[row] } }
    }
    let k = lockstep_update_kernels_for(lockstep_isa(rawValue: sets.last!.rawValue)).pointee
    for n in lengths {
      var generator = FixedGenerator(seed: UInt64(n))
      let w = generator.values(3 * n)
      let v = generator.values(n).map(Double.init)
      var out = [Double](repeating: 9, count: 4)
      k.matrix_vector(&out, w, v, 3, n)
      for row in 0..<3 {
        var expected = 0.0
        for i in 0..<n { expected += Double(w[row * n + i]) * v[i] }
        #expect((out[row] - expected).magnitude <= 1e-13 * Double(n + 1))
      }
      var sums = v + [9]
      k.accumulate_scaled(&sums, w, 0.25, n)
      for i in 0..<n { #expect(sums[i] == v[i] + Double(w[i]) * 0.25) }
      #expect(out[3] == 9 && sums[n] == 9)
    }
  }

  @Test func averagesAndPenaltiesHaveTheSameBitsAndAreTheirDefinitions() {
    expectEqualBits("average and penalty") { k, n, a, d in
      k.average(a[0], a[1], 0.3, n)
      let penalty = k.regularize(a[2], a[1], 0.01, 0.03, n)
      if n > 0 { d[0] = penalty }
    }
    let k = lockstep_update_kernels_for(lockstep_isa(rawValue: sets.last!.rawValue)).pointee
    for n in lengths {
      var generator = FixedGenerator(seed: UInt64(n))
      var p = generator.values(n)
      if n > 1 { p[1] = 0 }
      if n > 2 { p[2] = -0.0 }
      let a = generator.values(n)
      var mean = a + [9]
      k.average(&mean, p, 0.25, n)
      for i in 0..<n { #expect(mean[i] == a[i] + (p[i] - a[i]) * 0.25) }
      var g = a + [9]
      let penalty = k.regularize(&g, p, 0.5, 0.25, n)
      var expected = 0.0
      for i in 0..<n {
        expected += 0.5 * Double(p[i].magnitude) + 0.25 * Double(p[i]) * Double(p[i])
        let sign: Float = p[i] > 0 ? 0.5 : p[i] < 0 ? -0.5 : 0
        #expect(g[i] == a[i] + (sign + p[i] * 0.5))
      }
      #expect((penalty - expected).magnitude <= 1e-13 * Double(n + 1))
      #expect(mean[n] == 9 && g[n] == 9)
    }
  }

  @Test func valuesBehindTheEndStay() {
    for set in sets {
      let k = lockstep_update_kernels_for(lockstep_isa(rawValue: set.rawValue)).pointee
      for n in lengths {
        var values = [Float](repeating: 3, count: n + 20)
        k.scale(&values, [Float](repeating: 3, count: n), 2, n)
        #expect(values[..<n].allSatisfy { $0 == 6 } && values[n...].allSatisfy { $0 == 3 })
        // A box without zero counts the values alone, not the zeros behind a short vector.
        #expect(k.limit(&values, [Float](repeating: 6, count: n), 4, 5, n) == n)
      }
    }
  }

  @Test func multiplyAndAddRoundTwice() {
    // (1 + 2⁻¹²)² - (1 + 2⁻¹¹) is 2⁻²⁴ exactly and 0 where the product is rounded first.
    for set in sets {
      let k = lockstep_update_kernels_for(lockstep_isa(rawValue: set.rawValue)).pointee
      for n in [3, 16, 40] {
        let x = [Float](repeating: 1 + 0x1p-12, count: n)
        var p = [Float](repeating: 1 + 0x1p-11, count: n)
        k.subtract_scaled(&p, x, 1 + 0x1p-12, n)
        #expect(p.allSatisfy { $0 == 0 }, "contraction is on in \(set)")
      }
    }
  }

  @Test func nonFiniteValuesReachTheNorms() {
    for set in sets {
      let k = lockstep_update_kernels_for(lockstep_isa(rawValue: set.rawValue)).pointee
      for n in [1, 15, 16, 40] {
        for place in [0, n / 2, n - 1] {
          var x = [Float](repeating: 2, count: n)
          x[place] = .nan
          #expect(k.largest_magnitude(x, n).isNaN)
          #expect(k.sum_of_powers(x, 3, n).isNaN)
          var limited = x
          #expect(k.limit(&limited, x, -1, 1, n) == n - 1)
          #expect(limited[place].isNaN)
          x[place] = -.infinity
          #expect(k.largest_magnitude(x, n) == .infinity)
        }
      }
    }
  }
}
