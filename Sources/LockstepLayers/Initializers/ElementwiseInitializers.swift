import LockstepCatalog
public import LockstepEngine

/// Every element has one value.
public struct ConstantInitializer: Initializer, Equatable {
  /// The value of all elements; finite.
  public let value: Float
  /// Makes an initialiser with one value, PyTorch's `constant_`, Keras's `Constant`.
  public init(_ value: Float) { self.value = value }

  public var problem: String? {
    value.isFinite ? nil : "a constant of \(value): it must be finite"
  }

  public func fill(
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
public struct UniformInitializer: Initializer, Equatable {
  /// The least value; finite.
  public let lower: Float
  /// The largest value; not below ``lower``.
  public let upper: Float

  /// Makes an initialiser with a least and a largest value, PyTorch's `uniform_`, Keras's `RandomUniform`.
  public init(_ lower: Float, _ upper: Float) {
    self.lower = lower
    self.upper = upper
  }

  public var problem: String? {
    lower <= upper && (upper - lower).isFinite
      ? nil : "uniform from \(lower) to \(upper): the bounds must be finite and in order"
  }

  /// PyTorch's bias of a layer with `fanIn` inputs a unit: uniform from ±1/√fanIn.
  static func bias(fanIn: Int) -> UniformInitializer {
    let bound = 1 / Float(max(fanIn, 1)).squareRoot()
    return UniformInitializer(-bound, bound)
  }

  public func fill(
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
public struct NormalInitializer: Initializer, Equatable {
  /// The mean; finite.
  public let mean: Float
  /// The standard deviation; finite, not negative.
  public let standardDeviation: Float

  /// Makes an initialiser with a mean and a standard deviation, PyTorch's `normal_`, Keras's `RandomNormal`.
  public init(mean: Float = 0, standardDeviation: Float = 1) {
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  public var problem: String? {
    mean.isFinite && standardDeviation >= 0 && standardDeviation.isFinite
      ? nil
      : "normal with mean \(mean) and standard deviation \(standardDeviation): both must be finite, and "
        + "the deviation not negative"
  }

  public func fill(
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
public struct TruncatedNormalInitializer: Initializer, Equatable {
  /// The mean of the distribution before it is cut; finite.
  public let mean: Float
  /// The standard deviation of the distribution before it is cut; finite, positive.
  public let standardDeviation: Float
  /// The least value, `a` of PyTorch.
  public let lower: Float
  /// The largest value, `b` of PyTorch; above ``lower``.
  public let upper: Float

  /// Makes an initialiser with the arguments and defaults of PyTorch's `trunc_normal_`.
  public init(
    mean: Float = 0, standardDeviation: Float = 1, lower: Float = -2, upper: Float = 2
  ) {
    self.mean = mean
    self.standardDeviation = standardDeviation
    self.lower = lower
    self.upper = upper
  }

  public var problem: String? {
    guard mean.isFinite, standardDeviation > 0, standardDeviation.isFinite else {
      return
        "truncated normal with mean \(mean) and standard deviation \(standardDeviation): both must be "
        + "finite, and the deviation positive"
    }
    return lower < upper
      ? nil : "truncated normal from \(lower) to \(upper): the bounds must be in order"
  }

  public func fill(
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
