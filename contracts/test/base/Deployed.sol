// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.30;

import {Shipped} from "./Shipped.sol";
import {Adjudicator} from "../../src/Adjudicator.sol";
import {Control} from "../../src/Control.sol";
import {EscrowState} from "../../src/EscrowState.sol";
import {KMSTimelock} from "../../src/KMSTimelock.sol";
import {KMSToken} from "../../src/KMSToken.sol";
import {MiningRewards} from "../../src/MiningRewards.sol";
import {PolicyManager} from "../../src/PolicyManager.sol";
import {SilenceChallenges} from "../../src/SilenceChallenges.sol";
import {StakingEscrow} from "../../src/StakingEscrow.sol";
import {IControl} from "../../src/interfaces/IControl.sol";

/// @notice The whole system, deployed as it is shipped, and the parameters it is deployed with.
abstract contract Deployed is Shipped {
    uint64 internal constant GENESIS = 1_700_000_000;
    uint32 internal constant DAY = 1 days;
    uint96 internal constant MIN_LOCKED = 15_000 ether;
    uint32 internal constant MIN_LOCK = 30;
    uint32 internal constant MAX_LOCK = 1_460;
    uint32 internal constant COOLDOWN = 2;
    /// @dev As short as can be: a pause of 14 periods and a challenge of 7.
    uint32 internal constant EVIDENCE = 22;
    uint32 internal constant LEASE = 7;
    uint64 internal constant HALF_LIFE = 2 * 365 days;
    uint32 internal constant KAPPA_PERIODS = 365;
    uint32 internal constant MAX_POLICY = 3_650;
    uint256 internal constant CAP = 3_890_000_000 ether;
    uint256 internal constant INITIAL = 1_000_000_000 ether;
    uint32 internal constant GRACE_SECONDS = 100;
    uint96 internal constant RATE = 1 ether;
    /// @dev What each requester gets under a policy that has not paid for it.
    uint96 internal constant REWARD_FLOOR = 10 ether;
    uint32 internal constant MAX_PAUSE = 14;
    uint256 internal constant DELAY = 7 days;

    KMSToken internal token;
    StakingEscrow internal escrow;
    MiningRewards internal rewards;
    PolicyManager internal policies;
    KMSTimelock internal timelock;
    Control internal control;
    address internal adjudicator;
    address internal challenges;

    uint256 internal minerCount;
    /// @dev The key of every named account.
    mapping(address account => uint256) internal _keyOf;
    uint64 internal escrowGenesis = GENESIS;
    uint32 internal escrowPeriod = DAY;
    /// @dev Of the next deployment; without a warm-up the formula is the bare one.
    uint96 internal warmUp;

    address internal treasury = makeAddr("treasury");
    address internal guardian = makeAddr("guardian");
    address internal proposer = makeAddr("proposer");
    address internal alice = makeAddr("alice");
    address internal bob = makeAddr("bob");

    /// @dev Remembers the key.
    function makeAddrAndKey(string memory name) internal override returns (address account, uint256 key) {
        (account, key) = super.makeAddrAndKey(name);
        _keyOf[account] = key;
    }

    function setUp() public virtual {
        vm.warp(GENESIS);
        _deploy(LEASE, false);
        // From here on "now" is the middle of period 10.
        _goto(10);
    }

    /// @dev Eight deployments by consecutive nonces; the early ones are told the addresses of the later.
    function _deploy(uint32 lease, bool kappa) internal {
        uint256 nonce = vm.getNonce(address(this));
        token = KMSToken(_create("KMSToken", abi.encode(CAP, INITIAL, treasury, _at(nonce + 2))));
        (adjudicator, challenges) = (_at(nonce + 4), _at(nonce + 5));
        control = Control(_at(nonce + 7));
        escrow = StakingEscrow(_create("StakingEscrow", abi.encode(_escrowParamsFor(_at(nonce + 2)))));
        rewards = MiningRewards(_create("MiningRewards", abi.encode(_rewardsParams(lease, kappa))));
        policies = PolicyManager(
            _create(
                "PolicyManager",
                abi.encode(address(token), address(escrow), address(rewards), address(control), MAX_POLICY)
            )
        );
        _create("Adjudicator", abi.encode(address(policies), GRACE_SECONDS));
        _create("SilenceChallenges", abi.encode(address(policies)));
        timelock = KMSTimelock(_create("KMSTimelock", abi.encode(DELAY, _list(proposer), _list(address(0)))));
        control = Control(_create("Control", abi.encode(_controlParams())));
    }

    function _at(uint256 nonce) internal view returns (address) {
        return vm.computeCreateAddress(address(this), nonce);
    }

    function _list(address account) internal pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = account;
    }

    function _escrowParams() internal view returns (EscrowState.Params memory) {
        return _escrowParamsFor(address(rewards));
    }

    function _escrowParamsFor(address rewards_) private view returns (EscrowState.Params memory) {
        return EscrowState.Params({
            token: address(token),
            genesisTime: GENESIS,
            periodSeconds: DAY,
            minLocked: MIN_LOCKED,
            minLockPeriods: MIN_LOCK,
            maxLockPeriods: MAX_LOCK,
            workerCooldown: COOLDOWN,
            evidencePeriods: EVIDENCE,
            rewards: rewards_,
            adjudicator: adjudicator,
            challenges: challenges,
            control: address(control)
        });
    }

    function _rewardsParams(uint32 lease, bool kappa) internal view returns (MiningRewards.Params memory) {
        return MiningRewards.Params({
            token: address(token),
            escrow: address(escrow),
            maxLeasePeriods: lease,
            halfLifeSeconds: HALF_LIFE,
            kappaEnabled: kappa,
            kappaPeriods: KAPPA_PERIODS,
            warmUpLocked: warmUp,
            adjudicator: adjudicator,
            challenges: challenges
        });
    }

    function _controlParams() internal view returns (Control.Params memory) {
        return Control.Params({
            owner: address(timelock),
            guardian: guardian,
            escrow: address(escrow),
            rewards: address(rewards),
            policies: address(policies),
            adjudicator: adjudicator,
            challenges: challenges,
            maxPausePeriods: MAX_PAUSE,
            minWindowSeconds: 1 hours,
            maxWindowSeconds: 7 days,
            penalty: _penaltyTerms(),
            challenge: _challengeTerms()
        });
    }

    function _penaltyTerms() internal pure returns (IControl.PenaltyTerms memory) {
        return IControl.PenaltyTerms({
            floor: MIN_LOCKED / 10,
            shareBps: 1_000,
            historyBps: 5_000,
            capBps: 5_000,
            networkCapBps: 5_000,
            rewardBps: 2_500,
            suspensionPeriods: 14,
            pausedThrough: 0,
            rewardFloor: REWARD_FLOOR,
            sponsorBps: 4_000
        });
    }

    function _challengeTerms() internal pure returns (IControl.ChallengeTerms memory) {
        return IControl.ChallengeTerms({
            bond: 50 ether, windowSeconds: 1 days, suspensionPeriods: 3, distancePeriods: 7, penaltyBonds: 20
        });
    }

    // ---------------------------------------------------------------- time

    /// @dev The middle of `period`.
    function _goto(uint256 period) internal {
        vm.warp(GENESIS + (period - 1) * DAY + DAY / 2);
    }

    /// @dev Asks the cheat code for the time: the optimizer takes block.timestamp for a constant.
    function _now() internal view returns (uint32) {
        return uint32((vm.getBlockTimestamp() - escrowGenesis) / escrowPeriod + 1);
    }

    function _skip(uint256 periods) internal {
        _goto(_now() + periods);
    }
}
