import LockstepCatalog
public import LockstepEngine

/// The residual networks of He et al. for images of 32×32 (CIFAR): depth 6n + 2, three stages of n
/// blocks with 16, 32 and 64 channels.
///
/// A 3×3 convolution, the stages (the second and third halve the size), global average pooling and a
/// dense layer. Names: `conv1`, `bn1`, `layer1.0.conv1`, …, `linear`. Convolutions and the dense
/// weight are drawn by He's initialiser.
///
/// Source: K. He et al., "Deep residual learning for image recognition", CVPR 2016, section 4.2.
public struct ResNet: Model {
  /// How a shortcut halves the size and doubles the channels.
  public enum Shortcut: String, Sendable, CaseIterable {
    /// Option A, the paper's on CIFAR: every other row and column, new channels zero (half of them
    /// before, half behind); no parameters.
    case padded
    /// Option B: a 1×1 convolution with batch normalisation.
    case projection
  }

  /// The first 3×3 convolution, to `width` channels.
  package let conv1: Conv2d
  /// The batch normalisation behind ``conv1``.
  package let bn1: BatchNorm2d
  /// The first stage: `width` channels, at the input's size.
  package let layer1: [ResidualBlock]
  /// The second stage: 2 · `width` channels, at half the size.
  package let layer2: [ResidualBlock]
  /// The third stage: 4 · `width` channels, at a quarter of the size.
  package let layer3: [ResidualBlock]
  /// The dense layer behind the pooling: [N, 4 · `width`] → [N, classes].
  package let linear: Linear
  /// What is wrong with the depth or the width; a trace fails with it.
  private let problem: String?
  private static let largestDepth = 6 * 1000 + 2

  /// - Parameters:
  ///   - depth: 6n + 2: 20, 32, 44, 56, 110.
  ///   - width: the number of channels of the first stage.
  ///   - statistics: whose statistics batch normalisation uses in training.
  public init(
    depth: Int, classes: Int = 10, width: Int = 16, shortcut: Shortcut = .padded,
    statistics: BatchStatistics = .perShard
  ) {
    let isPossible = depth >= 8 && depth % 6 == 2 && depth <= Self.largestDepth
    problem =
      !isPossible
      ? "a ResNet's depth is 6n + 2, from 8 to \(Self.largestDepth), got \(depth)"
      : width < 1 || width > 1 << 20
        ? "a ResNet's width is from 1 to \(1 << 20), got \(width)" : nil
    let count = problem == nil ? (depth - 2) / 6 : 1
    let width = problem == nil ? width : 1
    func stage(_ from: Int, _ to: Int, _ stride: Int) -> [ResidualBlock] {
      (0..<count).map { index in
        ResidualBlock(
          index == 0 ? from : to, to, stride: index == 0 ? stride : 1, shortcut: shortcut,
          statistics: statistics)
      }
    }
    conv1 = ResidualBlock.convolution(nil, width, stride: 1)
    bn1 = BatchNorm2d(width, statistics: statistics)
    layer1 = stage(width, width, 1)
    layer2 = stage(width, 2 * width, 2)
    layer3 = stage(2 * width, 4 * width, 2)
    linear = Linear(4 * width, classes, weightInitializer: VarianceScaling.he())
  }

  /// Makes the network of depth 20: n = 3, with 0.27 million parameters.
  package static func resNet20(classes: Int = 10, shortcut: Shortcut = .padded) -> ResNet {
    ResNet(depth: 20, classes: classes, shortcut: shortcut)
  }
  /// Makes the network of depth 32: n = 5, with 0.46 million parameters.
  package static func resNet32(classes: Int = 10, shortcut: Shortcut = .padded) -> ResNet {
    ResNet(depth: 32, classes: classes, shortcut: shortcut)
  }
  /// Makes the network of depth 56: n = 9, with 0.85 million parameters.
  package static func resNet56(classes: Int = 10, shortcut: Shortcut = .padded) -> ResNet {
    ResNet(depth: 56, classes: classes, shortcut: shortcut)
  }

  public func callAsFunction(_ input: Tensor) -> Tensor {
    if let problem { input.graph.fail(problem) }
    let stem = bn1(conv1(input)).relu()
    let features = (layer1 + layer2 + layer3).reduce(stem) { $1($0) }
    return linear(features.globallyAveragePooled().flattened())
  }
}

/// Two 3×3 convolutions with batch normalisation and a shortcut around them:
/// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)).
package struct ResidualBlock: Model {
  /// The first 3×3 convolution, which changes size and channels.
  package let conv1: Conv2d
  /// The batch normalisation behind ``conv1``.
  package let bn1: BatchNorm2d
  /// The second 3×3 convolution, which keeps size and channels.
  package let conv2: Conv2d
  /// The batch normalisation behind ``conv2``.
  package let bn2: BatchNorm2d
  /// The projection, where shapes differ and option B is taken.
  package let shortcut: Sequential?

  /// Makes a block with `from` input and `to` output channels.
  ///
  /// - Parameters:
  ///   - stride: the step of the first convolution and of the shortcut; 2 halves the size.
  ///   - shortcut: the shortcut where size or channels change; otherwise it is x itself.
  ///   - statistics: whose statistics batch normalisation uses in training.
  package init(
    _ from: Int, _ to: Int, stride: Int, shortcut: ResNet.Shortcut,
    statistics: BatchStatistics = .perShard
  ) {
    conv1 = Self.convolution(from, to, stride: stride)
    bn1 = BatchNorm2d(to, statistics: statistics)
    conv2 = Self.convolution(to, to, stride: 1)
    bn2 = BatchNorm2d(to, statistics: statistics)
    let changes = from != to || stride != 1
    self.shortcut =
      changes && shortcut == .projection
      ? Sequential([
        Conv2d(
          from, to, kernel: 1, stride: SpatialPair(stride), bias: false,
          weightInitializer: VarianceScaling.he()), BatchNorm2d(to, statistics: statistics),
      ]) : nil
  }

  package func callAsFunction(_ input: Tensor) -> Tensor {
    let inner = bn2(conv2(bn1(conv1(input)).relu()))
    guard !input.graph.hasFailed else { return input }
    return (inner + (shortcut?(input) ?? padded(input, to: inner.shape))).relu()
  }

  /// Option A: every other row and column, and channels of zeros on both sides.
  private func padded(_ input: Tensor, to shape: [Int]) -> Tensor {
    var result = input
    if conv1.stride != 1 {
      // A mean over one value takes every other one.
      result = result.averagePooled(Window(kernel: [1, 1], strides: conv1.stride.list))
    }
    let missing = shape[1] - input.shape[1]
    guard missing > 0 else { return result }
    func zeros(_ channels: Int) -> [Tensor] {
      channels == 0 ? [] : [input.graph.constant(0, [shape[0], channels, shape[2], shape[3]])]
    }
    return Tensor.concatenated(
      zeros(missing / 2) + [result] + zeros(missing - missing / 2), axis: 1)
  }

  static func convolution(_ from: Int?, _ to: Int, stride: Int) -> Conv2d {
    Conv2d(
      from, to, kernel: 3, stride: SpatialPair(stride), padding: 1, bias: false,
      weightInitializer: VarianceScaling.he())
  }
}

extension ResNet.Shortcut: HyperparameterValue {}

extension ResNet {
  package static let entries = [20, 32, 56].map { depth in
    Entry<any Model>(
      "resnet\(depth)", "the residual network of \(depth) layers for 32×32 images",
      [
        .classes, .with("width", .size, 16, "the first stage's channels"),
        .with(
          "shortcut", Shortcut.padded, "option A (padded) or B (projection) of the paper"),
        .statistics,
      ]
    ) { values in
      ResNet(
        depth: depth, classes: values["classes"], width: values["width"],
        shortcut: values["shortcut"], statistics: values["statistics"])
    }
  }
}
