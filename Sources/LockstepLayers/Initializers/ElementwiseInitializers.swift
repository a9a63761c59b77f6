import LockstepCatalog
public import LockstepEngine

/// Every element has one value.
package struct ConstantInitializer: Initializer, Equatable {
  /// The value of all elements; finite.
  package let value: Float
  /// Makes an initialiser with one value, PyTorch's `constant_`, Keras's `Constant`.
  package init(_ value: Float) { self.value = value }

  package var problem: String? {
    value.isFinite ? nil : "a constant of \(value): it must be finite"
  }

  package func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    values.update(repeating: value)
  }
}

extension ConstantInitializer {
  package static let entry = Entry<any Initializer>(
    "constant", "one value", [.required("value", .anyNumber, "the value of all elements")]
  ) { values in ConstantInitializer(values["value"]) }

  package static let zerosEntry = Entry<any Initializer>("zeros", "all zero") { _ in
    ConstantInitializer(0)
  }

  package static let onesEntry = Entry<any Initializer>("ones", "all one") { _ in
    ConstantInitializer(1)
  }
}

/// Elements drawn uniformly from a range.
package struct UniformInitializer: Initializer, Equatable {
  /// The least value; finite.
  package let lower: Float
  /// The largest value; not below ``lower``.
  package let upper: Float

  /// Makes an initialiser with a least and a largest value, PyTorch's `uniform_`, Keras's `RandomUniform`.
  package init(_ lower: Float, _ upper: Float) {
    self.lower = lower
    self.upper = upper
  }

  package var problem: String? {
    lower <= upper && (upper - lower).isFinite
      ? nil : "uniform from \(lower) to \(upper): the bounds must be finite and in order"
  }

  /// PyTorch's bias of a layer with `fanIn` inputs a unit: uniform from ±1/√fanIn.
  static func bias(fanIn: Int) -> UniformInitializer {
    let bound = 1 / Float(max(fanIn, 1)).squareRoot()
    return UniformInitializer(-bound, bound)
  }

  package func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    let (start, width) = (Double(lower), Double(upper) - Double(lower))
    for index in values.indices { values[index] = Float(start + width * random.drawUniform()) }
  }
}

extension UniformInitializer {
  package static let entry = Entry<any Initializer>(
    "uniform", "a uniform distribution",
    [
      .required("lower", .anyNumber, "the least value"),
      .required("upper", .anyNumber, "the largest value"),
    ]
  ) { values in
    let made = UniformInitializer(values["lower"], values["upper"])
    guard made.lower <= made.upper else {
      throw values.error("lower", "must not be greater than 'upper'")
    }
    return made
  }
}

/// Elements of a normal distribution.
package struct NormalInitializer: Initializer, Equatable {
  /// The mean; finite.
  package let mean: Float
  /// The standard deviation; finite, not negative.
  package let standardDeviation: Float

  /// Makes an initialiser with a mean and a standard deviation, PyTorch's `normal_`, Keras's `RandomNormal`.
  package init(mean: Float = 0, standardDeviation: Float = 1) {
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  package var problem: String? {
    mean.isFinite && standardDeviation >= 0 && standardDeviation.isFinite
      ? nil
      : "normal with mean \(mean) and standard deviation \(standardDeviation): both must be finite, and "
        + "the deviation not negative"
  }

  package func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    for index in values.indices {
      values[index] = Float(Double(mean) + Double(standardDeviation) * random.drawNormal())
    }
  }
}

extension NormalInitializer {
  package static let entry = Entry<any Initializer>(
    "normal", "a normal distribution",
    [
      .with("mean", .anyNumber, 0, "the mean"),
      .with(
        "standardDeviation", .number(NumberRange(from: 0, to: 1e30)), 1, "the standard deviation"),
    ]
  ) { values in
    NormalInitializer(mean: values["mean"], standardDeviation: values["standardDeviation"])
  }
}

/// Elements of a normal distribution under the condition that they lie in `lower...upper`, as
/// PyTorch's `trunc_normal_`: bounds are values, not multiples of the standard deviation.
package struct TruncatedNormalInitializer: Initializer, Equatable {
  /// The mean of the distribution before it is cut; finite.
  package let mean: Float
  /// The standard deviation of the distribution before it is cut; finite, positive.
  package let standardDeviation: Float
  /// The least value, `a` of PyTorch.
  package let lower: Float
  /// The largest value, `b` of PyTorch; above ``lower``.
  package let upper: Float

  /// Makes an initialiser with the arguments and defaults of PyTorch's `trunc_normal_`.
  package init(
    mean: Float = 0, standardDeviation: Float = 1, lower: Float = -2, upper: Float = 2
  ) {
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.lower = lower
    self.upper = upper
  }

  package var problem: String? {
    guard mean.isFinite, standardDeviation > 0, standardDeviation.isFinite else {
      return
        "truncated normal with mean \(mean) and standard deviation \(standardDeviation): both must be "
        + "finite, and the deviation positive"
    }
    return lower < upper
      ? nil : "truncated normal from \(lower) to \(upper): the bounds must be in order"
  }

  package func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    guard problem == nil else { return }  // a trace says what is wrong
    let (mean, deviation) = (Double(mean), Double(standardDeviation))
    let range = (Double(lower) - mean) / deviation...(Double(upper) - mean) / deviation
    for index in values.indices {
      let value = Float(mean + deviation * random.drawNormal(in: range))
      // The way to units of the deviation and back may overstep a bound by a rounding.
      values[index] = min(max(value, lower), upper)
    }
  }
}

extension TruncatedNormalInitializer {
  package static let entry = Entry<any Initializer>(
    "truncatedNormal", "a normal distribution cut at two values",
    [
      .with("mean", .anyNumber, 0, "the uncut distribution's mean"),
      .with("standardDeviation", .smallNumber, 1, "the uncut distribution's standard deviation"),
      .with("lower", .anyNumber, -2, "the least value"),
      .with("upper", .anyNumber, 2, "the largest value"),
    ]
  ) { values in
    let made = TruncatedNormalInitializer(
      mean: values["mean"], standardDeviation: values["standardDeviation"],
      lower: values["lower"], upper: values["upper"])
    guard made.lower < made.upper else {
      throw values.error("lower", "must be less than 'upper'")
    }
    return made
  }
}

extension Initializer where Self == Provided {
  /// Every element has one value.
  ///
  /// - Parameter value: the value of all elements; finite. PyTorch's `constant_`, Keras's `Constant`.
  public static func constant(_ value: Float) -> some Initializer { ConstantInitializer(value) }
}

extension Initializer where Self == Provided {
  /// Elements drawn uniformly from a range.
  ///
  /// - Parameters:
  ///   - lower: the least value.
  ///   - upper: the largest value. PyTorch's `uniform_`, Keras's `RandomUniform`.
  public static func uniform(_ lower: Float, _ upper: Float) -> some Initializer {
    UniformInitializer(lower, upper)
  }
}

extension Initializer where Self == Provided {
  /// Elements of a normal distribution.
  ///
  /// - Parameters:
  ///   - mean: finite.
  ///   - standardDeviation: finite, not negative. PyTorch's `normal_`, Keras's `RandomNormal`.
  public static func normal(mean: Float = 0, standardDeviation: Float = 1) -> some Initializer {
    NormalInitializer(mean: mean, standardDeviation: standardDeviation)
  }
}

extension Initializer where Self == Provided {
  /// Elements of a normal distribution under the condition that they lie in `lower...upper`, as
  /// PyTorch's `trunc_normal_`: bounds are values, not multiples of the standard deviation.
  ///
  /// - Parameters:
  ///   - lower: the least value.
  ///   - upper: the largest value.
  public static func truncatedNormal(
    mean: Float = 0, standardDeviation: Float = 1, lower: Float = -2, upper: Float = 2
  ) -> some Initializer {
    TruncatedNormalInitializer(
      mean: mean, standardDeviation: standardDeviation, lower: lower, upper: upper)
  }
}
