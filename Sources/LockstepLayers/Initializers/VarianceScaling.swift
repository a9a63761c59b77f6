import LockstepCatalog
public import LockstepEngine

/// The number of a weight's inputs and outputs: [out, in] of a dense layer, [out, in / groups, kH, kW]
/// of a convolution, where a kernel position counts as one; as PyTorch computes them.
package struct Fan: Sendable, Equatable {
  /// The number of inputs of one output: in / groups · kH · kW. PyTorch's `fan_in`.
  package let inputs: Int
  /// The number of outputs: out · kH · kW. PyTorch's `fan_out`.
  package let outputs: Int

  /// Counts the inputs and outputs of a weight of a shape; below two dimensions both are its count.
  package init(_ shape: [Int]) {
    guard shape.count >= 2 else {
      inputs = shape.reduce(1, *)
      outputs = inputs
      return
    }
    let field = shape[2...].reduce(1, *)
    inputs = shape[1] * field
    outputs = shape[0] * field
  }
}

/// Elements of variance scale / n, n being a weight's number of inputs, of outputs, or their mean.
package struct VarianceScaling: Initializer, Equatable {
  /// What the variance is divided by.
  package enum Mode: String, Sendable, CaseIterable {
    /// The number of inputs, `inputs`.
    case fanIn
    /// The number of outputs, `outputs`.
    case fanOut
    /// (inputs + outputs) / 2.
    case fanAverage
  }

  /// How elements are distributed around zero.
  package enum Distribution: String, Sendable, CaseIterable {
    /// Uniform from ±√(3 · variance).
    case uniform
    /// A normal distribution, not cut; Keras's `untruncated_normal`.
    case normal
    /// A normal distribution cut at two standard deviations, widened to the variance wanted: what
    /// Keras calls normal in its initialisers.
    case truncatedNormal
  }

  /// The variance times n; positive and finite.
  package let scale: Float
  /// What n is.
  package let mode: Mode
  /// How elements are distributed around zero.
  package let distribution: Distribution

  /// Makes an initialiser with the arguments of Keras's `VarianceScaling`.
  package init(scale: Float, mode: Mode, distribution: Distribution) {
    self.scale = scale
    self.mode = mode
    self.distribution = distribution
  }

  package var problem: String? {
    scale > 0 && scale.isFinite
      ? nil : "variance scaling by \(scale): it must be positive and finite"
  }

  /// Variance 2 gain² / (inputs + outputs).
  ///
  /// Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
  /// networks", AISTATS 2010; PyTorch's `xavier_uniform_`, `xavier_normal_`.
  package static func glorot(_ distribution: Distribution = .uniform, gain: Float = 1) -> Self {
    Self(scale: gain * gain, mode: .fanAverage, distribution: distribution)
  }
  /// Variance 2 / ((1 + slope²) · n), for layers followed by a ReLU with a slope below zero.
  ///
  /// Source: K. He et al., "Delving deep into rectifiers", ICCV 2015; PyTorch's `kaiming_uniform_`,
  /// `kaiming_normal_`.
  package static func he(
    _ distribution: Distribution = .normal, slope: Float = 0, mode: Mode = .fanIn
  ) -> Self {
    Self(scale: 2 / (1 + slope * slope), mode: mode, distribution: distribution)
  }
  /// Variance 1 / inputs.
  ///
  /// Source: Y. LeCun et al., "Efficient backprop", 1998.
  package static func leCun(_ distribution: Distribution = .normal) -> Self {
    Self(scale: 1, mode: .fanIn, distribution: distribution)
  }
  /// PyTorch's default of dense layers and convolutions, `kaiming_uniform_` with a slope of √5:
  /// uniform from ±1/√inputs.
  package static let pyTorchDefault = Self(
    scale: 1 / 3, mode: .fanIn, distribution: .uniform)

  /// The variance of a weight's elements.
  package func variance(_ shape: [Int]) -> Double {
    let fan = Fan(shape)
    let n =
      switch mode {
      case .fanIn: Double(fan.inputs)
      case .fanOut: Double(fan.outputs)
      case .fanAverage: Double(fan.inputs + fan.outputs) / 2
      }
    return Double(scale) / max(n, 1)
  }

  package func fill(
    _ values: inout MutableSpan<Float>, shape: [Int],
    using random: inout some RandomNumberGenerator
  ) {
    let variance = variance(shape)
    switch distribution {
    case .uniform:
      let bound = (3 * variance).squareRoot()
      for index in values.indices {
        values[index] = Float(bound * (2 * random.drawUniform() - 1))
      }
    case .normal:
      let deviation = variance.squareRoot()
      for index in values.indices { values[index] = Float(deviation * random.drawNormal()) }
    case .truncatedNormal:
      // The standard deviation of a standard normal variable cut at ±2.
      let deviation = variance.squareRoot() / 0.879_625_661_034_239_78
      for index in values.indices {
        values[index] = Float(deviation * random.drawNormal(in: -2...2))
      }
    }
  }
}

extension VarianceScaling {
  package static let glorotEntry = Entry<any Initializer>(
    "glorot", "variance 2 gain² / (inputs + outputs)",
    [
      distribution(.uniform),
      // A factor whose square is an ordinary number, too.
      .with("gain", .number(NumberRange(from: 1e-6, to: 1e6)), 1, "a factor of all elements"),
    ]
  ) { values in VarianceScaling.glorot(values["distribution"], gain: values["gain"]) }

  package static let heEntry = Entry<any Initializer>(
    "he", "variance 2 / ((1 + slope²) · inputs), for ReLU",
    [
      distribution(.normal),
      .with("slope", .number(NumberRange(from: 0, to: 1e6)), 0, "the ReLU's slope below zero"),
      .with("mode", Mode.fanIn, "what the variance is divided by"),
    ]
  ) { values in
    VarianceScaling.he(values["distribution"], slope: values["slope"], mode: values["mode"])
  }

  package static let leCunEntry = Entry<any Initializer>(
    "leCun", "variance 1 / inputs", [distribution(.normal)]
  ) { values in VarianceScaling.leCun(values["distribution"]) }

  private static func distribution(_ usual: Distribution) -> Hyperparameter {
    .with("distribution", usual, "how elements are distributed around zero")
  }
}

extension VarianceScaling.Mode: HyperparameterValue {}
extension VarianceScaling.Distribution: HyperparameterValue {}

extension Initializer where Self == Provided {
  /// A uniform distribution of variance 2 gain² / (inputs + outputs).
  ///
  /// Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
  /// networks", AISTATS 2010; PyTorch's `xavier_uniform_`.
  public static func glorotUniform(gain: Float = 1) -> some Initializer {
    VarianceScaling.glorot(.uniform, gain: gain)
  }

  /// A normal distribution of variance 2 gain² / (inputs + outputs); PyTorch's `xavier_normal_`.
  public static func glorotNormal(gain: Float = 1) -> some Initializer {
    VarianceScaling.glorot(.normal, gain: gain)
  }

  /// A uniform distribution of variance 2 / ((1 + slope²) · inputs), for layers followed by a ReLU with a
  /// slope below zero; with `fanOut` outputs take the place of inputs.
  ///
  /// Source: K. He et al., "Delving deep into rectifiers", ICCV 2015; PyTorch's `kaiming_uniform_`.
  public static func heUniform(slope: Float = 0, fanOut: Bool = false) -> some Initializer {
    VarianceScaling.he(.uniform, slope: slope, mode: fanOut ? .fanOut : .fanIn)
  }

  /// A normal distribution of variance 2 / ((1 + slope²) · inputs), for layers followed by a ReLU with a
  /// slope below zero; with `fanOut` outputs take the place of inputs. PyTorch's `kaiming_normal_`.
  public static func heNormal(slope: Float = 0, fanOut: Bool = false) -> some Initializer {
    VarianceScaling.he(.normal, slope: slope, mode: fanOut ? .fanOut : .fanIn)
  }

  /// A uniform distribution of variance 1 / inputs.
  ///
  /// Source: Y. LeCun et al., "Efficient backprop", 1998.
  public static func leCunUniform() -> some Initializer { VarianceScaling.leCun(.uniform) }

  /// A normal distribution of variance 1 / inputs.
  ///
  /// Source: Y. LeCun et al., "Efficient backprop", 1998.
  public static func leCunNormal() -> some Initializer { VarianceScaling.leCun(.normal) }
}
